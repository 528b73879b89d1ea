import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { WORKER_NODE_FLAGS } from '../../scripts/lib/node-flags.mjs';
import { startReaper, type Reaper } from '../../test/faults/processes.ts';

/** Resource usage of a process since its start. */
export interface ProcessUsage {
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  /** Peak resident memory. */
  readonly peakMemoryBytes: number;
}

export interface ProcessOptions {
  /** The TypeScript file to run. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The text it prints when it is ready. */
  readonly readyText: string;
  readonly logFile: string;
  /** Flags for Node, such as `--cpu-prof`. */
  readonly nodeFlags?: readonly string[];
  /** Runs at the lowest CPU priority, like a worker whose deployment gives it a small share. */
  readonly yieldsCpu?: boolean;
}

/** A separate process, as in production, whose resource usage can be read. */
export interface MeasuredProcess extends AsyncDisposable {
  readonly pid: number;
  usage(): Promise<ProcessUsage>;
  /** Rejects when the process ends without being stopped. Await it together with the process's work. */
  readonly failure: Promise<never>;
  /** Sends SIGTERM, then SIGKILL if that doesn't help. */
  stop(): Promise<void>;
}

const PROBE = fileURLToPath(new URL('./usage-probe.ts', import.meta.url));
/** Linux may share the CPU among sessions before it considers processes (autogroups, sched(7)). */
const YIELD_CPU = 'echo 19 2>/dev/null >/proc/self/autogroup; exec nice -n 19 "$@"';
const STOP_TIMEOUT_MS = 40_000;

/** Kills remaining processes, however this one ends. */
let reaper: Reaper | undefined;

/**
 * Starts a worker with the memory settings of `npm start -- worker` and waits until it is ready.
 * @throws Error with its last output
 */
export async function startMeasured(options: ProcessOptions): Promise<MeasuredProcess> {
  const { script, args = [], env, nodeFlags = [], yieldsCpu = false } = options;
  const [command, ...before] = yieldsCpu
    ? (['/bin/sh', '-c', YIELD_CPU, 'sh', process.execPath] as const)
    : ([process.execPath] as const);
  const child = spawn(
    command,
    [
      ...before,
      '--disable-warning=ExperimentalWarning',
      '--import',
      PROBE,
      ...WORKER_NODE_FLAGS,
      ...nodeFlags,
      script,
      ...args,
    ],
    {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, MALLOC_ARENA_MAX: '2', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C reaches only this process.
      detached: true,
    },
  );
  const { pid } = child;
  if (pid === undefined) throw new Error(`${script} could not be started`);
  reaper ??= startReaper();
  reaper.add(pid);
  const exited = once(child, 'exit').then(() => reaper?.remove(pid));
  await untilReady(child, options);
  const ended = Promise.withResolvers<never>();
  // Prevents an unhandled rejection if nobody awaits it.
  ended.promise.catch(() => undefined);
  let isStopping = false;
  child.once('exit', () => {
    if (!isStopping) ended.reject(new Error(`${script} has ended: ${lastWords(options)}`));
  });
  const stop = async () => {
    isStopping = true;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };
  return {
    pid,
    failure: ended.promise,
    async usage() {
      const answer = once(child, 'message') as Promise<[ProcessUsage]>;
      child.send('usage');
      const [usage] = await Promise.race([answer, ended.promise]);
      return usage;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function untilReady(child: ChildProcess, options: ProcessOptions): Promise<void> {
  const log = createWriteStream(options.logFile);
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        log.write(chunk);
        if (chunk.includes(options.readyText)) resolve();
      });
    }
    child.once('exit', (code, signal) => {
      log.end(() =>
        reject(
          new Error(`${options.script} ended (${signal ?? `code ${code}`}): ${lastWords(options)}`),
        ),
      );
    });
  });
}

function lastWords({ logFile }: ProcessOptions): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
}
