import { BackendTerminatedError } from 'slonik';
import type { SendQuery } from './driver.ts';

/**
 * Bounds how long a query waits for its answer. The server bounds its own work, but where the
 * connection hangs without an error (a peer that vanished, a firewall that forgot it) no answer
 * ever comes, and the connection would be held for ever. What isn't answered in time counts as a
 * lost connection: it is destroyed and doesn't return to the pool, and what it was doing may have
 * been done or not.
 */
export function answeringWithin(timeoutMs: number): (send: SendQuery) => SendQuery {
  return (send) =>
    (...query) =>
      answeredWithin(timeoutMs, send(...query));
}

async function answeredWithin<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new BackendTerminatedError(new Error(`no answer within ${timeoutMs} ms`)));
  }, timeoutMs);
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}
