import type { IngestionServers } from './ingestion-servers.ts';
import { readProcessCpuMs, readServerCpu } from './server-cpu.ts';

/** CPU time per event, in microseconds. */
export interface CpuPerEvent {
  readonly api: number;
  readonly postgres: number;
  /** CPU time of the sender. */
  readonly sender: number;
}

/**
 * Runs work on a number of events.
 * @returns the duration and the CPU time; null if the system doesn't report it
 */
export async function measureCpu<T>(
  { api, database }: IngestionServers,
  events: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: CpuPerEvent | null }> {
  const before = readAll(api.pid, database.superuserUrl);
  const result = await work();
  const after = readAll(api.pid, database.superuserUrl);
  if (before === null || after === null) return { result, cpu: null };
  const perEvent = (of: keyof CpuPerEvent) => ((after[of] - before[of]) * 1000) / events;
  const cpu = { api: perEvent('api'), postgres: perEvent('postgres'), sender: perEvent('sender') };
  return { result, cpu };
}

/** CPU time in ms since each process started; the sender is this process. */
function readAll(apiPid: number, superuserUrl: string): Record<keyof CpuPerEvent, number> | null {
  const api = readProcessCpuMs(apiPid);
  const sender = readProcessCpuMs(process.pid);
  const postgres = readServerCpu(superuserUrl)?.postgresMs ?? null;
  return api === null || sender === null || postgres === null ? null : { api, postgres, sender };
}

/** Formats the CPU times: `PostgreSQL 18.5 µs of CPU an event, the API 11.2, the sender 0.6`. */
export function cpuText(cpu: CpuPerEvent | null): string {
  if (cpu === null) return 'CPU time unknown';
  const { api, postgres, sender } = cpu;
  const parts = [
    `PostgreSQL ${postgres.toFixed(1)} µs of CPU an event`,
    `the API ${api.toFixed(1)}`,
    `the sender ${sender.toFixed(1)}`,
  ];
  return parts.join(', ');
}
