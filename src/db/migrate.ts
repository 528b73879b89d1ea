import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { withTls } from './tls.ts';

export const MIGRATIONS_DIR = fileURLToPath(new URL('../../migrations', import.meta.url));

export const MIGRATIONS_TABLE = 'schema_migrations';

/** A migration failed because the role has no right to create tables. */
export class MigratorRightsError extends Error {
  override readonly name = 'MigratorRightsError';
}

export interface MigrateOptions {
  /** Connects as the migrator role, which becomes the owner of the tables. */
  readonly databaseUrl: string;
}

/**
 * Applies the missing migrations, each in its own transaction, and returns their names. If one fails, earlier
 * ones stay applied. Safe to run from several processes at once: they take turns.
 * @throws MigratorRightsError; database errors from a migration
 */
export async function migrate({ databaseUrl }: MigrateOptions): Promise<string[]> {
  const { url, ssl } = withTls(databaseUrl);
  // The runner doesn't wait for its own connection to end. A server that is stopped right afterwards would
  // break that connection and crash the process.
  const client = new pg.Client({ connectionString: url, ...(ssl && { ssl }) });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const applied = await runner({
      dbClient: client,
      dir: MIGRATIONS_DIR,
      direction: 'up',
      migrationsTable: MIGRATIONS_TABLE,
      advisoryLockMode: 'wait',
      // The runner's messages repeat the SQL. Callers report the names.
      log: () => undefined,
    });
    return applied.map(({ name }) => name);
  } catch (error) {
    throw (await lacksRights(client)) ?? error;
  } finally {
    await client.end();
  }
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
