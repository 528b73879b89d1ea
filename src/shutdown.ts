import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

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
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
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
