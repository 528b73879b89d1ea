import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** A signal to the whole process group reaches us twice: by itself, and through npm. */
const SAME_PRESS_MS = 1000;

/** Asked to stop while something was still being started or done. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

/**
 * Tells by its signal when the process is asked to stop; who is asked twice is in a hurry and ends
 * at once.
 */
export function listenForShutdown(): AbortSignal {
  const controller = new AbortController();
  let askedAt = 0;
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        if (Date.now() - askedAt > SAME_PRESS_MS) process.exit(128 + constants.signals[name]);
        return;
      }
      askedAt = Date.now();
      controller.abort(new StoppedError(`stopped by ${name}`));
    });
  }
  return controller.signal;
}

/** Resolves when the signal is given. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
