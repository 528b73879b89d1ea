import type { createPgDriverFactory } from '@slonik/pg-driver';

/** What makes the connections through which Slonik speaks to PostgreSQL. */
export type DriverFactory = ReturnType<typeof createPgDriverFactory>;

type Client = Awaited<ReturnType<Awaited<ReturnType<DriverFactory>>['createClient']>>;
/** Sends a statement on a connection, `BEGIN` and `COMMIT` too, and brings its answer. */
export type SendQuery = Client['query'];

/** The same connections, with something around each statement. */
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
