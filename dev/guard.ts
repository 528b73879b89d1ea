/**
 * The guard of one server process: runs it, and stops it when our standard input closes. The
 * system closes that pipe when our owner ends, however it ends (SIGKILL included), so a server
 * never outlives the process it was started for. Started by `startGuarded`, with its order as
 * JSON in the first argument.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { writeAtOnce } from '../src/lib/private-files.ts';
import { printErrorLine } from '../src/lib/terminal.ts';
import type { GuardOrder } from './guarded-process.ts';

const order = JSON.parse(process.argv[2] ?? '') as GuardOrder;

// What a server writes (the Temporal server's database among it) is its owner's alone.
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
/** Asks the server to stop, and ends it by force when it takes too long. */
function stop(): void {
  if (stopping) return;
  stopping = true;
  server.kill(order.stopSignal);
  setTimeout(() => server.kill('SIGKILL'), order.killAfterMs).unref();
}

/** Leaves nothing of what was only for this run. */
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
