import { readFileSync, readdirSync } from 'node:fs';

/** CPU time of the started servers, in ms since each start. */
export interface ServerCpu {
  readonly postgresMs: number;
  readonly temporalMs: number;
}

/** Linux reports CPU time in this unit, whatever the kernel's clock rate. */
const MS_PER_TICK = 10;

/** @returns null if the system doesn't report it (not Linux) */
export function readServerCpu(): ServerCpu | null {
  if (process.platform !== 'linux') return null;
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => readProcess(pid) ?? []);
  const parentOf = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  const isOurs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined; at = parentOf.get(at)) {
      if (at === process.pid) return true;
    }
    return false;
  };
  const sum = (prefix: string) =>
    processes
      .filter(({ name, pid }) => name.startsWith(prefix) && isOurs(pid))
      .reduce((total, { ticks }) => total + ticks, 0) * MS_PER_TICK;
  return { postgresMs: sum('postgres'), temporalMs: sum('temporal') };
}

/** @returns CPU time of a process, in ms since its start; null if the system doesn't report it */
export function readProcessCpuMs(pid: number): number | null {
  const ticks = process.platform === 'linux' ? readProcess(String(pid))?.ticks : undefined;
  return ticks === undefined ? null : ticks * MS_PER_TICK;
}

/** @returns null if it has just ended */
function readProcess(pid: string) {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The name is in brackets and may contain anything, even brackets; numbers follow from the third field on.
  const end = stat.lastIndexOf(')');
  const fields = stat.slice(end + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid: Number(pid),
    name: stat.slice(stat.indexOf('(') + 1, end),
    parent: field(4),
    // Its own and its ended children's, because each connection has a child process.
    ticks: field(14) + field(15) + field(16) + field(17),
  };
}
