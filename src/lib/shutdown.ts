import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** A signal to the whole process group arrives twice: directly and through npm. */
const SAME_PRESS_MS = 1000;

/** The process was asked to stop while work was still in progress. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

/**
 * Returns a signal that aborts when the process is asked to stop. A second request ends the process
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

/** Resolves when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
