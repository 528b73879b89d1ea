import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pRetry from 'p-retry';
import pg from 'pg';
import { withTls } from './tls.ts';

export const MIGRATIONS_DIR = fileURLToPath(new URL('../../migrations', import.meta.url));

export const MIGRATIONS_TABLE = 'schema_migrations';

/** A migration failed because the role has no right to create tables. */
export class MigratorRightsError extends Error {
  override readonly name = 'MigratorRightsError';
}

/** A migration waited for a lock on a table for too long. */
export class MigrationBlockedError extends Error {
  override readonly name = 'MigrationBlockedError';
}

export interface MigrateOptions {
  /** Connects as the migrator role, which becomes the owner of the tables. */
  readonly databaseUrl: string;
  /** The folder of the migrations; by default the product's. */
  readonly directory?: string;
  /** How long to try to get a lock on a table; three minutes by default. */
  readonly lockWaitSeconds?: number;
  /** Called with a sentence before each further attempt. */
  readonly onWait?: (message: string) => void;
}

/** An arbitrary advisory lock key that nothing else uses: processes migrate one after the other. */
const TURN = 4_217_004;

/**
 * While a migration waits for a lock on a table, every later query on the table waits behind it. So a migration
 * waits only this long and then lets the others go ahead before it tries again: a month that is being closed
 * continues.
 */
const LOCK_TIMEOUT_MS = 2_000;

/**
 * Applies the missing migrations, each in its own transaction, and returns their names. If one fails, earlier
 * ones stay applied. Safe to run from several processes at once, and while the product runs.
 * @throws MigratorRightsError; MigrationBlockedError; database errors from a migration
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const { url, ssl } = withTls(options.databaseUrl);
  // The runner doesn't wait for its own connection to end. A server that is stopped right afterwards would
  // break that connection and crash the process.
  const client = new pg.Client({ connectionString: url, ...(ssl && { ssl }) });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(`SELECT pg_advisory_lock(${TURN})`);
    await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
    const before = await listApplied(client);
    await applyMissing(client, options);
    const after = await listApplied(client);
    return after.filter((name) => !before.includes(name));
  } catch (error) {
    throw (await lacksRights(client)) ?? error;
  } finally {
    await client.end();
  }
}

async function applyMissing(
  client: pg.Client,
  { directory = MIGRATIONS_DIR, lockWaitSeconds = 180, onWait }: MigrateOptions,
): Promise<void> {
  const apply = () =>
    runner({
      dbClient: client,
      dir: directory,
      direction: 'up',
      migrationsTable: MIGRATIONS_TABLE,
      noLock: true, // It is our turn.
      // The runner's messages repeat the SQL. Callers report the names.
      log: () => undefined,
    });
  try {
    await pRetry(apply, {
      retries: Infinity,
      minTimeout: 1_000,
      maxTimeout: 5_000,
      maxRetryTime: lockWaitSeconds * 1000,
      shouldRetry: async ({ error }) => {
        if (!isLockTimeout(error)) return false;
        // The runner leaves the failed transaction open.
        await client.query('ROLLBACK');
        onWait?.('another transaction holds a lock that the migration needs: trying again');
        return true;
      },
    });
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new MigrationBlockedError(
      `another transaction has held a lock that the migration needs for ${lockWaitSeconds} s: find it in ` +
        'pg_stat_activity, then migrate again',
      { cause: error },
    );
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '55P03';
}

/** Returns the names of the applied migrations, in order. */
async function listApplied(client: pg.Client): Promise<readonly string[]> {
  const { rows: tables } = await client.query<{ is_there: boolean }>(
    `SELECT to_regclass('${MIGRATIONS_TABLE}') IS NOT NULL AS is_there`,
  );
  if (!tables[0]?.is_there) return [];
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id`,
  );
  return rows.map(({ name }) => name);
}

/** Returns the error to throw if the role lacks the right to create tables; null otherwise. */
async function lacksRights(client: pg.Client): Promise<MigratorRightsError | null> {
  const { rows } = await client
    .query<{ role: string; may_create: boolean }>(
      `SELECT current_user AS role, has_schema_privilege('public', 'CREATE') AS may_create`,
    )
    // The connection is gone, so the original error says more.
    .catch(() => ({ rows: [] }));
  const [found] = rows;
  return !found || found.may_create
    ? null
    : new MigratorRightsError(`${found.role} may not create tables in this database`);
}
