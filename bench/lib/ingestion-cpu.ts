import type { IngestionServers } from './ingestion-servers.ts';
import { readProcessCpuMs, readServerCpu } from './server-cpu.ts';

/** CPU time that an event took, in microseconds. */
export interface CpuPerEvent {
  readonly api: number;
  readonly postgres: number;
  /** Of whoever sends it. */
  readonly sender: number;
}

/**
 * Has something done to a number of events.
 * @returns how long it took, and what CPU time; null where the system doesn't tell
 */
export async function measureCpu<T>(
  { api }: IngestionServers,
  events: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: CpuPerEvent | null }> {
  const before = readAll(api.pid);
  const result = await work();
  const after = readAll(api.pid);
  if (before === null || after === null) return { result, cpu: null };
  const perEvent = (of: keyof CpuPerEvent) => ((after[of] - before[of]) * 1000) / events;
  const cpu = { api: perEvent('api'), postgres: perEvent('postgres'), sender: perEvent('sender') };
  return { result, cpu };
}

/** In ms, since each of them started; the sender is this process. */
function readAll(apiPid: number): Record<keyof CpuPerEvent, number> | null {
  const api = readProcessCpuMs(apiPid);
  const sender = readProcessCpuMs(process.pid);
  const postgres = readServerCpu()?.postgresMs ?? null;
  return api === null || sender === null || postgres === null ? null : { api, postgres, sender };
}

/** `PostgreSQL 18.5 µs of CPU an event, the API 11.2, the sender 0.6`. */
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
