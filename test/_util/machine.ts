import { cpus, totalmem } from 'node:os';

/** What a figure was measured on. */
export function describeMachine(): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores, ${memory} GB of memory, Node ${process.versions.node}`;
}
