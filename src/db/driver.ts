import type { createPgDriverFactory } from '@slonik/pg-driver';
import { BackendTerminatedError } from 'slonik';

/** Creates the connections that Slonik uses. */
export type DriverFactory = ReturnType<typeof createPgDriverFactory>;

type Client = Awaited<ReturnType<Awaited<ReturnType<DriverFactory>>['createClient']>>;
/** Sends a statement on a connection, including `BEGIN` and `COMMIT`, and returns its answer. */
export type SendQuery = Client['query'];

/** Returns a factory of the same connections, with `around` wrapped around each statement. */
export function aroundQueries(
  factory: DriverFactory,
  around: (send: SendQuery) => SendQuery,
): DriverFactory {
  return async (options) => {
    const driver = await factory(options);
    return {
      async createClient() {
        const client = await driver.createClient();
        return { ...client, query: around((...query) => client.query(...query)) };
      },
    };
  };
}

/**
 * Limits how long a query waits for its answer. The server limits its own work, but if the connection hangs
 * without an error (a peer that vanished, a firewall that dropped it), no answer ever comes and the
 * connection would be held forever. A query without an answer in time counts as a lost connection: the
 * connection is destroyed, and the query may or may not have been executed.
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
