import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { withTls } from './tls-files.ts';

export const MIGRATIONS_DIR = fileURLToPath(new URL('../../migrations', import.meta.url));

export const MIGRATIONS_TABLE = 'schema_migrations';

/** A migration failed, and the role that tried has no right to make tables. */
export class MigratorRightsError extends Error {
  override readonly name = 'MigratorRightsError';
}

export interface MigrateOptions {
  /** Of the migrator role, which comes to own the tables. */
  readonly databaseUrl: string;
  /** Told the name of each migration that is applied. */
  readonly onApplied?: (name: string) => void;
}

/**
 * Applies the migrations that the database doesn't have yet, each in a transaction of its own: where one
 * fails, those before it stay. Safe to run from several processes at once: they take turns.
 * @returns the names of those applied
 * @throws MigratorRightsError; whatever the database says of a migration
 */
export async function migrate({ databaseUrl, onApplied }: MigrateOptions): Promise<string[]> {
  const { url, ssl } = withTls(databaseUrl);
  // The runner doesn't wait for its own connection to end: a server that is stopped right after
  // would break it, and with it the process.
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
      // The runner's own messages repeat the SQL; we report the names.
      log: () => undefined,
    });
    const names = applied.map(({ name }) => name);
    names.forEach((name) => onApplied?.(name));
    return names;
  } catch (error) {
    throw (await lacksRights(client)) ?? error;
  } finally {
    await client.end();
  }
}

/** @returns what to say of a failure, if it comes from whom we have connected as */
async function lacksRights(client: pg.Client): Promise<MigratorRightsError | null> {
  const { rows } = await client
    .query<{ role: string; may_create: boolean }>(
      `SELECT current_user AS role, has_schema_privilege('public', 'CREATE') AS may_create`,
    )
    // The connection is gone: that was it, then.
    .catch(() => ({ rows: [] }));
  const [found] = rows;
  return !found || found.may_create
    ? null
    : new MigratorRightsError(`${found.role} may not make tables in this database`);
}
