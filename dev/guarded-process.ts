import { spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openPrivate } from '../src/lib/private-files.ts';

/** What a guard is told to run; see `guard.ts`. */
export interface GuardOrder {
  command: string;
  args: string[];
  cwd: string;
  /** The user to run as, where we are root and the server refuses to be. */
  user: { uid: number; gid: number } | undefined;
  stopSignal: 'SIGINT' | 'SIGTERM';
  /** How long a stop may take before the server is ended by force. */
  killAfterMs: number;
  /** Where to write the server's process id, for servers that don't do so themselves. */
  pidFile?: string;
  /** A folder to delete when the server has ended. */
  removeAfterwards?: string;
}

export interface GuardedProcess {
  /** Whether the server has ended, wanted or not. */
  hasExited(): boolean;
  /** Stops the server and resolves when it is gone. May be called more than once. */
  stop(): Promise<void>;
}

const GUARD = fileURLToPath(new URL('./guard.ts', import.meta.url));

/** What servers inherit: nothing that was meant for our own Node or for a PostgreSQL client. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('PG'),
  );
  return { ...Object.fromEntries(inherited), LC_ALL: 'C' };
}

/**
 * Runs a server that ends when we do. Its output goes to a file rather than through a pipe: it
 * can be read after a failure, and a server whose owner has died never writes into nothing.
 */
export function startGuarded(order: GuardOrder, logFile: string): GuardedProcess {
  const log = openPrivate(logFile);
  const guard = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', GUARD, JSON.stringify(order)],
    // A session of its own: Ctrl-C in the terminal reaches us alone, and we stop things in order.
    { stdio: ['pipe', log, log], detached: true, env: serverEnvironment() },
  );
  closeSync(log);
  guard.stdin?.on('error', () => undefined); // the guard may be gone already when we stop it

  let exited = false;
  const exit = new Promise<void>((resolve) => {
    const done = (): void => {
      exited = true;
      resolve();
    };
    guard.once('exit', done).once('error', done);
  });
  return {
    hasExited: () => exited,
    stop: () => {
      guard.stdin?.end();
      return exit;
    },
  };
}

/** The last lines that a server has written. */
function logTail(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
}

/** A server that ended before it was ready, or wasn't ready in time; the message says why. */
export class ServerStartError extends Error {
  override name = 'ServerStartError';
}

/** Waits until the probe succeeds; where it never does, stops the server and tells the reason. */
export async function waitUntilReady(
  server: GuardedProcess,
  options: { name: string; probe: () => Promise<void>; logFile: string; timeoutMs: number },
): Promise<void> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    try {
      await options.probe();
      return;
    } catch (error) {
      if (!server.hasExited() && Date.now() < deadline) {
        await sleep(50);
        continue;
      }
      const what = server.hasExited()
        ? 'ended at once'
        : `did not answer in ${options.timeoutMs / 1000} s`;
      await server.stop();
      throw new ServerStartError(
        `${options.name} ${what}. The end of ${options.logFile}:\n${logTail(options.logFile)}`,
        { cause: error },
      );
    }
  }
}

/** Starts a server, again with other ports where somebody took one in the last moment. */
export async function retryOnBusyPort<T>(start: () => Promise<T>, attempts = 3): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const busy = error instanceof ServerStartError && /address already in use/i.test(error.message);
    if (!busy || attempts <= 1) throw error;
    return retryOnBusyPort(start, attempts - 1);
  }
}
