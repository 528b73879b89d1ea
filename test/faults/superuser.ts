import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isDatabaseUnavailable } from '../../src/db/unavailable.ts';

const RETRY_PAUSE_MS = 50;
const PATIENCE_MS = 30_000;

/**
 * Works on a connection of its own to a server that may be restarted at any time: then from the
 * start, again. It doesn't go through a proxy.
 */
export async function asSuperuserAgain<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined); // a broken connection also rejects the query
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      if (!isDatabaseUnavailable(error) || Date.now() > deadline) throw error;
      await sleep(RETRY_PAUSE_MS);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
