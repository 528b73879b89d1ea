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

/** How long clients may take, and leave us waiting. */
export interface Timeouts {
  /** For the head of a request, from its first byte or from the connection on. */
  readonly headersMs: number;
  /** For a JSON body as a whole. */
  readonly bodyMs: number;
  /** A stream may last, but not pause: neither what it sends nor its reading of our answers. */
  readonly idleMs: number;
  /** For taking an answer, from when all of it is there. */
  readonly sendMs: number;
  /** Between two requests on a connection. */
  readonly keepAliveMs: number;
  /** For the rest of a body after its answer: it is thrown away, so that the answer can be read. */
  readonly lingerMs: number;
  /** For requests to finish after the server stopped accepting new ones. */
  readonly drainMs: number;
  /** How often the server looks for clients that are late. */
  readonly checkMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  headersMs: 10_000,
  bodyMs: 30_000,
  idleMs: 30_000,
  sendMs: 30_000,
  keepAliveMs: 30_000,
  lingerMs: 2_000,
  drainMs: 10_000,
  checkMs: 1_000,
};

/** @param clientSeconds how long clients may take for a body, a pause in a stream, and our answer */
export function toTimeouts(clientSeconds: number): Timeouts {
  const clientMs = clientSeconds * 1000;
  return { ...DEFAULT_TIMEOUTS, bodyMs: clientMs, idleMs: clientMs, sendMs: clientMs };
}
