import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import {
  asSuperuser,
  createDatabase,
  databaseUrls,
  type DatabaseUrls,
} from '../../dev/postgres-roles.ts';

/** The migrated database that the others are copied from. No connection to it may stay open. */
export const TEMPLATE = 'arcadia_template';

export interface TestDatabase extends DatabaseUrls {
  /** Enters the same database with all rights, for what a test must look at or break. */
  superuserUrl: string;
  /** Deletes the database, also under open connections. */
  drop(): Promise<void>;
}

/** A fresh database for one test file, migrated unless there is to be nothing in it. */
export async function createTestDatabase({ isEmpty = false } = {}): Promise<TestDatabase> {
  const maintenanceUrl = inject('superuserUrl');
  const database = `test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(maintenanceUrl, (client) =>
    createDatabase(client, database, isEmpty ? {} : { template: TEMPLATE }),
  );
  const superuserUrl = new URL(maintenanceUrl);
  superuserUrl.pathname = `/${database}`;
  return {
    ...databaseUrls(maintenanceUrl, database),
    superuserUrl: superuserUrl.href,
    drop: async () => {
      await asSuperuser(maintenanceUrl, (client) =>
        client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`),
      );
    },
  };
}
