/**
 * Vitest runs under older ones, too, but the servers' guards don't, and end without a clear word.
 * @param command what brings the right one
 * @throws Error saying so
 */
export function requireNode24(command: string): void {
  if (Number.parseInt(process.versions.node) >= 24) return;
  throw new Error(`Node 24 is needed, this is ${process.version}: ${command} brings it`);
}
