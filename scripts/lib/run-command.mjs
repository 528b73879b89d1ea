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
 * Registers what to do when we are interrupted; returns how to take it back. Signals are left
 * alone until then: the launcher, which only looks things up, has its own way with them.
 */
export function onInterrupt(cleanUp) {
  if (cleanUps.size === 0 && process.listenerCount('SIGINT') === 0) listen();
  cleanUps.add(cleanUp);
  return () => cleanUps.delete(cleanUp);
}

/**
 * Runs a program and resolves with its exit code and what it wrote. It gets a process group of
 * its own, so that interrupting us ends it together with everything it has started.
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
        // it has just ended by itself
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

/** The last line that says something. */
export function lastLine(output) {
  return output.trim().split('\n').at(-1)?.trim() || 'no reason given';
}
