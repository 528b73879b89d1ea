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
  const read = () => ({
    api: readProcessCpuMs(api.pid),
    postgres: readServerCpu()?.postgresMs ?? null,
    sender: cpuMsOfOurs(),
  });
  const before = read();
  const result = await work();
  const after = read();
  if (before.api === null || before.postgres === null) return { result, cpu: null };
  if (after.api === null || after.postgres === null) return { result, cpu: null };
  const perEvent = (from: number, to: number) => ((to - from) * 1000) / events;
  const cpu = {
    api: perEvent(before.api, after.api),
    postgres: perEvent(before.postgres, after.postgres),
    sender: perEvent(before.sender, after.sender),
  };
  return { result, cpu };
}

function cpuMsOfOurs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** `API 12.5 µs of CPU an event, PostgreSQL 22.0, sender 1.0`. */
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
