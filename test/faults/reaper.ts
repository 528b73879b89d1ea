/**
 * Kills what its owner leaves behind. The owner tells it "+pid" and "-pid", a line each; when our
 * standard input closes, the owner has ended, however it ended, and what is left is killed.
 */
import { createInterface } from 'node:readline';

const pids = new Set<number>();
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) pids.add(pid);
  else pids.delete(pid);
});
lines.on('close', () => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended since.
    }
  }
});
// What the terminal sends to everybody isn't for us: the owner stops things in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
