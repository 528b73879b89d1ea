import type { ServerResponse } from 'node:http';
import { HttpProblem } from './problems.ts';

/**
 * Returns a signal that is aborted when nobody waits for the answer any more: the client went away, or
 * was cut off. Its reason is an HttpProblem, so that `throwIfAborted` stops the work.
 *
 * A signal keeps its state, unlike an event: whoever looks at it after an await can't have missed
 * anything. What is held while a request is served is released in a `finally`, never by an event.
 */
export function untilGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort(new HttpProblem('malformed-request', 'the client closed the connection'));
  };
  if (response.destroyed) abort();
  else response.once('close', abort);
  return controller.signal;
}

/** When to stop waiting. */
export interface WaitBounds {
  readonly timeoutMs: number;
  /** What to say after that. */
  readonly late: () => Error;
  /** Each stops the wait at once, with its reason. */
  readonly signals: readonly AbortSignal[];
}

/**
 * Waits for a client, within bounds.
 * @throws what `late` makes; a signal's reason, also where it was aborted before; what `begin` throws
 */
export async function waitWithin<T>(
  { timeoutMs, late, signals }: WaitBounds,
  begin: () => Promise<T>,
): Promise<T> {
  for (const signal of signals) signal.throwIfAborted();
  const broken = Promise.withResolvers<never>();
  const timer = setTimeout(() => broken.reject(late()), timeoutMs);
  const stop = ({ target }: Event): void => broken.reject((target as AbortSignal).reason as Error);
  for (const signal of signals) signal.addEventListener('abort', stop);
  try {
    return await Promise.race([begin(), broken.promise]);
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', stop);
  }
}
