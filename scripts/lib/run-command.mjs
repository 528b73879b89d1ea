import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const cleanUps = new Set();

function listen() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      for (const cleanUp of cleanUps) cleanUp();
      process.exit(128 + constants.signals[signal]);
    });
  }
}

/**
 * Registers a handler for interruption and returns a function that removes it. Until then signals
 * keep their default, because the launcher, which only looks things up, handles them itself.
 */
export function onInterrupt(cleanUp) {
  if (cleanUps.size === 0 && process.listenerCount('SIGINT') === 0) listen();
  cleanUps.add(cleanUp);
  return () => cleanUps.delete(cleanUp);
}

/**
 * Runs a program and resolves with its exit code and output. The program gets its own process
 * group, so that an interruption ends it together with everything it has started.
 */
export function runCommand(command, args, { env = process.env, cwd, show = false } = {}) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    const forget = onInterrupt(() => {
      try {
        process.kill(-child.pid, 'SIGTERM');
      } catch {
        // it has just ended
      }
    });
    const collect = (chunk) => (output += chunk);
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.on('error', (error) => {
      forget();
      resolve({ code: -1, output: error.message });
    });
    child.on('close', (code, signal) => {
      forget();
      resolve({ code: code ?? -1, output: output || (signal ? `ended by ${signal}` : '') });
    });
  });
}

/** Returns the last non-empty line. */
export function lastLine(output) {
  return output.trim().split('\n').at(-1)?.trim() || 'no reason given';
}
