import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiProcess } from './api-process.ts';
import { median } from './median.ts';

/** The state of an API process, observed from outside; complete only on Linux. */
export interface Condition {
  /** Peak resident memory. */
  readonly memoryMb: number;
  /** Maximum number of open sockets: of clients, to PostgreSQL, and the listening one. */
  readonly sockets: number;
  /** Response time of `/healthz`, each on a new connection: median and worst. */
  readonly healthMs: { readonly median: number; readonly worst: number };
  /** Percentage of these requests that failed. */
  readonly refusedPercent: number;
  /** CPU time of all threads during the watch. */
  readonly cpuSeconds: number;
}

const PROBE_EVERY_MS = 50;
const PROBE_TIMEOUT_MS = 20_000;
/** The unit in which Linux counts CPU time. */
const TICKS_PER_SECOND = 100;

/** Watches the process until a promise settles, with at least one sample. */
export async function watchApi(api: ApiProcess, lasting: Promise<unknown>): Promise<Condition> {
  const state = { isOver: false };
  const over = lasting.finally(() => {
    state.isOver = true;
  });
  const memory: number[] = [];
  const sockets: number[] = [];
  const healthy: number[] = [];
  let failed = 0;
  const startedCpu = cpuSecondsOf(api.pid);
  const look = (): void => {
    memory.push(memoryMbOf(api.pid));
    sockets.push(socketsOf(api.pid));
  };
  const looking = setInterval(look, PROBE_EVERY_MS);
  try {
    do {
      look();
      const ms = await probe(`${api.url}/healthz`);
      if (ms === null) failed += 1;
      else healthy.push(ms);
      await Promise.race([sleep(PROBE_EVERY_MS), over]);
    } while (!state.isOver);
  } finally {
    clearInterval(looking);
  }
  await over;
  // If no request was answered, all of them timed out.
  const times = healthy.length === 0 ? [PROBE_TIMEOUT_MS] : healthy;
  return {
    memoryMb: Math.max(...memory),
    sockets: Math.max(...sockets),
    healthMs: { median: median(times), worst: Math.max(...times) },
    refusedPercent: (100 * failed) / (failed + healthy.length),
    cpuSeconds: cpuSecondsOf(api.pid) - startedCpu,
  };
}

/**
 * Waits until the process has been idle for a while, or the time is over.
 * @returns the CPU time that it used while waiting, in seconds
 */
export async function untilIdle(api: ApiProcess, timeoutMs: number): Promise<number> {
  const SLICE_MS = 500;
  const startedCpu = cpuSecondsOf(api.pid);
  const deadline = performance.now() + timeoutMs;
  for (let idle = 0; idle < 3 && performance.now() < deadline;) {
    const before = cpuSecondsOf(api.pid);
    await sleep(SLICE_MS);
    const share = (cpuSecondsOf(api.pid) - before) / (SLICE_MS / 1000);
    idle = share < 0.05 ? idle + 1 : 0;
  }
  return cpuSecondsOf(api.pid) - startedCpu;
}

/** Returns the number of a process's open sockets. */
export function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(`${folder}/${name}`).startsWith('socket:');
    } catch {
      // Closed since the listing.
      return false;
    }
  }).length;
}

export function describeCondition(condition: Condition): string {
  const { memoryMb, sockets, healthMs, refusedPercent, cpuSeconds } = condition;
  return (
    `${memoryMb.toFixed(0)} MB, ${sockets} sockets, /healthz ${healthMs.median.toFixed(1)} ms ` +
    `(worst ${healthMs.worst.toFixed(0)} ms, ${refusedPercent.toFixed(0)} % refused), ` +
    `${cpuSeconds.toFixed(1)} s of CPU`
  );
}

/** @returns the response time in ms; null if there was no answer */
function probe(url: string): Promise<number | null> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const asking = request(url, { agent: false, timeout: PROBE_TIMEOUT_MS }, (response) => {
      response.resume().once('end', () => {
        resolve(performance.now() - startedAt);
      });
    });
    asking.once('timeout', () => asking.destroy());
    asking.once('error', () => undefined);
    asking.once('close', () => {
      resolve(null);
    });
    asking.end();
  });
}

function memoryMbOf(pid: number): number {
  const [, kilobytes = 'NaN'] = /^VmRSS:\s+(\d+) kB$/m.exec(read(pid, 'status')) ?? [];
  return Number(kilobytes) / 1024;
}

function cpuSecondsOf(pid: number): number {
  // Parsed after the name, which may contain blanks and parentheses: the state is the third field.
  const fields = read(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function read(pid: number, name: string): string {
  return readFileSync(`/proc/${pid}/${name}`, 'utf8');
}
