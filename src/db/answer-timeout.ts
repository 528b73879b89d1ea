import { BackendTerminatedError } from 'slonik';
import type { DriverFactory } from './driver.ts';

/**
 * Bounds how long a query waits for its answer. The server bounds its own work, but where the
 * connection hangs without an error (a peer that vanished, a firewall that forgot it) no answer
 * ever comes, and the connection would be held for ever. What isn't answered in time counts as a
 * lost connection: it is destroyed and doesn't return to the pool, and what it was doing may have
 * been done or not.
 */
export function withAnswerTimeout(factory: DriverFactory, timeoutMs: number): DriverFactory {
  return async (options) => {
    const driver = await factory(options);
    return {
      async createClient() {
        const client = await driver.createClient();
        return {
          ...client,
          query: (...query) => answeredWithin(timeoutMs, client.query(...query)),
        };
      },
    };
  };
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
