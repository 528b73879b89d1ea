import pg from 'pg';
import { until } from './until.ts';

/**
 * Returns how many sessions of the database wait for a lock, of one application if it is given.
 * It asks on its own connection: a transaction would only ever see the first answer.
 */
export async function countLockWaits(superuserUrl: string, application?: string): Promise<number> {
  const client = await connect(superuserUrl);
  try {
    const { rows } = await client.query<{ sessions: number }>(
      `SELECT count(*)::int AS sessions FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'
         AND application_name = coalesce($1, application_name)`,
      [application],
    );
    return rows[0]!.sessions;
  } finally {
    await client.end();
  }
}

/** Waits until as many sessions as wanted wait for a lock; by default one. */
export async function untilLockIsWaitedFor(
  superuserUrl: string,
  isWanted: (sessions: number) => boolean = (sessions) => sessions === 1,
  application?: string,
): Promise<void> {
  await until(() => countLockWaits(superuserUrl, application), isWanted);
}

export interface TableLock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Locks a table, so that everything that reads or writes it waits until the lock is released. */
export async function lockTable(superuserUrl: string, table: string): Promise<TableLock> {
  const client = await connect(superuserUrl);
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return {
    async release() {
      await client.query('COMMIT');
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

async function connect(superuserUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  return client;
}
