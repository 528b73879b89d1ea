import { readFileSync, readdirSync } from 'node:fs';

/** CPU time of the started servers, in ms since each start. */
export interface ServerCpu {
  /** The PostgreSQL that holds the books. */
  readonly postgresMs: number;
  readonly temporalMs: number;
  /** The PostgreSQL of production's Temporal server; 0 with the dev server, which has none. */
  readonly temporalPostgresMs: number;
}

/** Linux reports CPU time in this unit, whatever the kernel's clock rate. */
const MS_PER_TICK = 10;

/**
 * @param superuserUrl of a database in the PostgreSQL that holds the books
 * @returns null if the system doesn't report it (not Linux)
 */
export function readServerCpu(superuserUrl: string): ServerCpu | null {
  if (process.platform !== 'linux') return null;
  const { port } = new URL(superuserUrl);
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
  const ours = processes.filter(({ pid }) => isOurs(pid));
  const postgres = ours.filter(({ name }) => name.startsWith('postgres'));
  const main = postgres.find(({ pid }) => listensOn(pid, port));
  const isMain = ({ pid, parent }: Process) => pid === main?.pid || parent === main?.pid;
  return {
    postgresMs: sumMs(postgres.filter(isMain)),
    temporalMs: sumMs(ours.filter(({ name }) => name.startsWith('temporal'))),
    temporalPostgresMs: sumMs(postgres.filter((process) => !isMain(process))),
  };
}

function sumMs(processes: readonly Process[]): number {
  return processes.reduce((total, { ticks }) => total + ticks, 0) * MS_PER_TICK;
}

/** Whether this process is a PostgreSQL server that was started for the port; a connection's process isn't. */
function listensOn(pid: number, port: string): boolean {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return args[args.indexOf('-p') + 1] === port;
  } catch {
    return false; // it has just ended
  }
}

/** @returns CPU time of a process, in ms since its start; null if the system doesn't report it */
export function readProcessCpuMs(pid: number): number | null {
  const ticks = process.platform === 'linux' ? readProcess(String(pid))?.ticks : undefined;
  return ticks === undefined ? null : ticks * MS_PER_TICK;
}

interface Process {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  readonly ticks: number;
}

/** @returns null if it has just ended */
function readProcess(pid: string): Process | null {
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
