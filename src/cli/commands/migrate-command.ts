import { Command } from 'commander';
import { readConfig, type Config } from '../../config.ts';
import { connectWithin } from '../../lib/connect-within.ts';
import { migrate } from '../../db/migrate.ts';
import { databaseServer } from '../../db/pool.ts';
import { readEnvironment } from '../environment.ts';
import { note, print } from '../output.ts';

export function migrateCommand(): Command {
  return new Command('migrate')
    .addHelpText(
      'after',
      `
Applies the missing migrations, each in its own transaction. Run it before each deployment. A month can
be closed at the same time: a migration waits at most 2 seconds at a time for a lock, and gives up after
3 minutes.
It connects with DATABASE_MIGRATOR_URL (the role that owns the tables), or with DATABASE_URL if that is
not set.

Example:
  DATABASE_MIGRATOR_URL=postgres://arcadia_migrator@db/arcadia npm run cli -- migrate`,
    )
    .action(async (_options, command: Command) => {
      const config = readConfig(readEnvironment(process.env));
      const databaseUrl = config.migratorDatabaseUrl;
      await waitForDatabase(config);
      const applied = await migrate({ databaseUrl, onWait: note });
      print(command, { applied }, ({ applied }) =>
        applied.length === 0
          ? 'The database is up to date.'
          : applied.map((name) => `applied ${name}`).join('\n'),
      );
    });
}

/** A deployment may start the database and the migration at the same time. */
async function waitForDatabase(config: Config): Promise<void> {
  const { migratorDatabaseUrl: url, startTimeoutSeconds: timeoutSeconds } = config;
  const server = databaseServer(
    { url, maxConnections: 1, applicationName: 'arcadia-migrate' },
    url === config.databaseUrl ? 'DATABASE_URL' : 'DATABASE_MIGRATOR_URL',
  );
  const db = await connectWithin(server, { timeoutSeconds, onFailure: note });
  await db.end();
}
