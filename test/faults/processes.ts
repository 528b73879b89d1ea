import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('../../src/start.ts', import.meta.url));
const REAPER = fileURLToPath(new URL('./reaper.ts', import.meta.url));
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** A worker that ends at once each time must not keep a whole core busy. */
const PAUSE_AFTER_A_FAILURE_MS = 500;
const STOP_TIMEOUT_MS = 40_000;

/** A process of the engine that is started again as soon as it ends, as an orchestrator does. */
export interface SupervisedProcess {
  /** SIGKILL. It is started again at once. */
  kill(): void;
  /** Resolves when the process that runs now, or the next one, works. */
  untilReady(): Promise<void>;
  /** How often it ended without being killed by us, and how. */
  readonly unexpectedEnds: readonly string[];
  stop(): Promise<void>;
}

export interface SupervisedOptions {
  readonly part: 'api' | 'worker';
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly reaper: Reaper;
}

const READY = { api: 'API started', worker: 'worker started' } as const;

export function supervise({ part, env, logFile, reaper }: SupervisedOptions): SupervisedProcess {
  const log = createWriteStream(logFile, { flags: 'a' });
  const unexpectedEnds: string[] = [];
  let isStopping = false;
  let current: ChildProcess;
  let wasKilled = false;
  let ended = Promise.withResolvers<null>();
  let ready = Promise.withResolvers<null>();

  function start(): void {
    wasKilled = false;
    ended = Promise.withResolvers<null>();
    const child = spawn(process.execPath, [...NODE_FLAGS, START, part], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches us alone.
      detached: true,
    });
    current = child;
    const { pid } = child;
    if (pid !== undefined) reaper.add(pid);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        log.write(chunk);
        if (chunk.includes(READY[part])) ready.resolve(null);
      });
    }
    child.once('exit', (code, signal) => {
      if (pid !== undefined) reaper.remove(pid);
      void startAgain(`${part} ended by itself (${signal ?? `code ${code}`})`);
    });
  }

  async function startAgain(how: string): Promise<void> {
    ended.resolve(null);
    ready.resolve(null);
    ready = Promise.withResolvers<null>();
    if (!wasKilled && !isStopping) {
      unexpectedEnds.push(how);
      await sleep(PAUSE_AFTER_A_FAILURE_MS);
    }
    if (!isStopping) start();
  }

  start();
  return {
    unexpectedEnds,
    kill() {
      wasKilled = true;
      current.kill('SIGKILL');
    },
    async untilReady() {
      // One that ends before it is ready says so to those who wait, and they wait for the next.
      let waitedFor;
      do {
        waitedFor = ready;
        await ready.promise;
      } while (waitedFor !== ready);
    },
    async stop() {
      isStopping = true;
      current.kill('SIGTERM');
      const timer = setTimeout(() => current.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await ended.promise;
      clearTimeout(timer);
      await new Promise((resolve) => log.end(resolve));
    },
  };
}

/** Knows the processes that must not outlive us; see `reaper.ts`. */
export interface Reaper {
  add(pid: number): void;
  remove(pid: number): void;
  /** What is left is killed. */
  close(): void;
}

export function startReaper(): Reaper {
  const child = spawn(process.execPath, [...NODE_FLAGS, REAPER], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  });
  child.stdin.on('error', () => undefined);
  return {
    add: (pid) => child.stdin.write(`+${pid}\n`),
    remove: (pid) => child.stdin.write(`-${pid}\n`),
    close: () => child.stdin.end(),
  };
}
