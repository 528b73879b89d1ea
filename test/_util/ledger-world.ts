import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { pino } from 'pino';
import { inject } from 'vitest';
import { DEFAULT_BOUNDS, type Bounds } from '../../src/domain/bounds.ts';
import type { ControlTotalsPolicy } from '../../src/domain/gateway-totals.ts';
import { createActivities, type Activities } from '../../src/activities/create-activities.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { asSuperuser, createDatabase } from '../../dev/postgres-roles.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** A database with the month end's steps on it, for tests that need no workflow. */
export interface LedgerWorld extends AsyncDisposable {
  readonly db: Database;
  readonly activities: Activities;
  readonly testDatabase: TestDatabase;
  /** Leaves the database to others, who may copy it. */
  disconnect(): Promise<void>;
}

/** Never connects: only the Schedule's activity talks to Temporal. */
const NO_CLIENT = new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) });
/** Dependencies of the month end's steps, except for the database. */
export const ACTIVITY_DEPS = {
  client: NO_CLIENT,
  logger: pino({ level: 'silent' }),
  now: () => new Date(),
  bounds: DEFAULT_BOUNDS,
};

export async function createLedgerWorld({
  bounds = DEFAULT_BOUNDS,
  controlTotals = 'report',
}: { bounds?: Bounds; controlTotals?: ControlTotalsPolicy } = {}): Promise<LedgerWorld> {
  const testDatabase = await createTestDatabase();
  const open = (url: string) => openDatabase({ url, maxConnections: 10, applicationName: 'test' });
  const db = await open(testDatabase.appUrl);
  // As the worker's process runs them.
  const workerDb = await open(testDatabase.workerUrl);
  const disconnect = async () => {
    await Promise.all([db.end(), workerDb.end()]);
  };
  return {
    db,
    testDatabase,
    disconnect,
    activities: createActivities({
      ...ACTIVITY_DEPS,
      db: workerDb,
      bounds,
      controlTotals,
    }),
    async [Symbol.asyncDispose]() {
      await disconnect();
      await testDatabase.drop();
    },
  };
}

/** A copy of a database without other connections, to be broken by a superuser. */
export interface BrokenCopy extends AsyncDisposable {
  readonly db: Database;
  run(statements: string): Promise<void>;
}

export async function copyDatabase({ superuserUrl }: TestDatabase): Promise<BrokenCopy> {
  const maintenanceUrl = inject('superuserUrl');
  const name = `test_copy_${randomBytes(6).toString('hex')}`;
  const url = new URL(superuserUrl);
  const template = url.pathname.slice(1);
  await asSuperuser(maintenanceUrl, (client) => createDatabase(client, name, { template }));
  url.pathname = `/${name}`;
  const db = await openDatabase({ url: url.href, maxConnections: 4, applicationName: 'test' });
  return {
    db,
    async run(statements) {
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      try {
        await client.query(statements);
      } finally {
        await client.end();
      }
    },
    async [Symbol.asyncDispose]() {
      await db.end();
      await asSuperuser(maintenanceUrl, (client) =>
        client.query(`DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`),
      );
    },
  };
}
