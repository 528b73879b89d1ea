import type { ServerResponse } from 'node:http';
import { HttpProblem } from './problems.ts';

/**
 * Returns a signal that aborts when the client is gone: it closed the connection or was disconnected. The
 * reason is an HttpProblem, so that `throwIfAborted` stops the work.
 *
 * Unlike an event, a signal keeps its state, so code that checks it after an await cannot miss the end.
 * Resources of a request are released in a `finally`, never by an event.
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

/** When to give up waiting. */
export interface WaitBounds {
  readonly timeoutMs: number;
  /** Makes the error to throw after the timeout. */
  readonly late: () => Error;
  /** Any of them ends the wait at once, with its reason. */
  readonly signals: readonly AbortSignal[];
}

/**
 * Waits for a client, but no longer than the bounds allow.
 * @throws the error from `late`; a signal's reason, even if it was aborted before; what `begin` throws
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

/** Time limits for clients. */
export interface Timeouts {
  /** For the request line and headers, from the first byte or from the connection. */
  readonly headersMs: number;
  /** For a whole JSON body. */
  readonly bodyMs: number;
  /** For a pause in a stream, both in sending it and in reading our response. Its total time is unlimited. */
  readonly idleMs: number;
  /** For reading a response, once it is complete. */
  readonly sendMs: number;
  /** Between two requests on a connection. */
  readonly keepAliveMs: number;
  /** For the rest of a body after its response. It is discarded so that the client can read the response. */
  readonly lingerMs: number;
  /** For requests to finish after the server stopped accepting new ones. */
  readonly drainMs: number;
  /** How often the server checks for slow clients. */
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

/**
 * Returns the default limits with the configured one.
 * @param clientSeconds for sending a body, a pause in a stream, and reading a response
 */
export function toTimeouts(clientSeconds: number): Timeouts {
  const clientMs = clientSeconds * 1000;
  return { ...DEFAULT_TIMEOUTS, bodyMs: clientMs, idleMs: clientMs, sendMs: clientMs };
}
