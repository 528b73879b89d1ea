/**
 * Guards one server process: starts it, and stops it when standard input closes. The operating system closes that pipe
 * whenever the owner ends, even by SIGKILL, so a server never outlives its owner. Started by `startGuarded` with the
 * order as JSON in the first argument.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { writeAtOnce } from '../src/lib/private-files.ts';
import { printErrorLine } from '../src/lib/terminal.ts';
import type { GuardOrder } from './guarded-process.ts';

const order = JSON.parse(process.argv[2] ?? '') as GuardOrder;

// Files that a server writes, such as the Temporal server's database, are readable only by their owner.
process.umask(0o077);
const server = spawn(order.command, order.args, {
  stdio: ['ignore', 'inherit', 'inherit'],
  cwd: order.cwd,
  ...order.user,
});
if (order.pidFile !== undefined && server.pid !== undefined) {
  writeAtOnce(order.pidFile, `${server.pid}\n`);
}

let stopping = false;
/** Asks the server to stop, and kills it if it takes too long. */
function stop(): void {
  if (stopping) return;
  stopping = true;
  server.kill(order.stopSignal);
  setTimeout(() => server.kill('SIGKILL'), order.killAfterMs).unref();
}

/** Deletes the files that were only for this run. */
function cleanUp(): void {
  if (order.pidFile !== undefined) rmSync(order.pidFile, { force: true });
  if (order.removeAfterwards !== undefined) {
    rmSync(order.removeAfterwards, { recursive: true, force: true, maxRetries: 5 });
  }
}

process.stdin.on('end', stop).on('error', stop).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

server.on('error', (error) => {
  printErrorLine(`${order.command}: ${error.message}`);
  cleanUp();
  process.exit(1);
});
server.on('exit', (code) => {
  cleanUp();
  process.exit(stopping ? 0 : (code ?? 1));
});
