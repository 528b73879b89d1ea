import { spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openPrivate } from '../src/lib/private-files.ts';

/** What a guard is to run; see `guard.ts`. */
export interface GuardOrder {
  command: string;
  args: string[];
  cwd: string;
  /** The user to run the server as, if we are root and the server refuses to run as root. */
  user: { uid: number; gid: number } | undefined;
  stopSignal: 'SIGINT' | 'SIGTERM';
  /** How long a stop may take before the server is killed. */
  killAfterMs: number;
  /** File for the server's process id, for servers that don't write one themselves. */
  pidFile?: string;
  /** A folder to delete after the server has ended. */
  removeAfterwards?: string;
}

export interface GuardedProcess {
  /** Whether the server has ended, for any reason. */
  hasExited(): boolean;
  /** Stops the server and resolves when it is gone. May be called more than once. */
  stop(): Promise<void>;
}

const GUARD = fileURLToPath(new URL('./guard.ts', import.meta.url));

/** The environment for servers: ours, without settings for our own Node or for PostgreSQL clients. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('PG'),
  );
  return { ...Object.fromEntries(inherited), LC_ALL: 'C' };
}

/**
 * Starts a server that ends when this process does. Its output goes to a file rather than a pipe, so that it can be read
 * after a failure, and a server whose owner has died can't block on a broken pipe.
 * @param extraEnv variables for the server; secrets belong here and not in its arguments, which every user can see
 */
export function startGuarded(
  order: GuardOrder,
  logFile: string,
  extraEnv: Readonly<Record<string, string>> = {},
): GuardedProcess {
  const log = openPrivate(logFile);
  const guard = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', GUARD, JSON.stringify(order)],
    // In a session of its own, so that Ctrl-C reaches only this process, which stops the servers in order.
    { stdio: ['pipe', log, log], detached: true, env: { ...serverEnvironment(), ...extraEnv } },
  );
  closeSync(log);
  guard.stdin?.on('error', () => undefined); // the guard may already have ended

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

/** The last lines of a server's log. */
function logTail(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
}

/** A server ended before it was ready, or wasn't ready in time; the message has the end of its log. */
export class ServerStartError extends Error {
  override name = 'ServerStartError';
}

/**
 * Waits until the probe succeeds.
 * @throws ServerStartError if the server ends or the timeout passes; the server is stopped
 */
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
        ? 'ended during its start'
        : `did not answer in ${options.timeoutMs / 1000} s`;
      await server.stop();
      throw new ServerStartError(
        `${options.name} ${what}. The end of ${options.logFile}:\n${logTail(options.logFile)}`,
        { cause: error },
      );
    }
  }
}

/** Starts a server, retrying with other ports if another process took one in the meantime. */
export async function retryOnBusyPort<T>(start: () => Promise<T>, attempts = 3): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const busy = error instanceof ServerStartError && /address already in use/i.test(error.message);
    if (!busy || attempts <= 1) throw error;
    return retryOnBusyPort(start, attempts - 1);
  }
}
