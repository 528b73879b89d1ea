import { openDatabase, type Database } from '../../src/db/pool.ts';
import type { DatabaseUrls } from '../../dev/postgres-roles.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** A fresh database for one test file, and one pool into it. */
export interface OpenTestDatabase {
  readonly testDatabase: TestDatabase;
  readonly db: Database;
  /** Ends the pool and deletes the database. */
  readonly close: () => Promise<void>;
}

/** @param as whose rights the pool has */
export async function openTestDatabase(
  as: keyof DatabaseUrls,
  maxConnections: number,
): Promise<OpenTestDatabase> {
  const testDatabase = await createTestDatabase();
  const db = await openDatabase({
    url: testDatabase[as],
    maxConnections,
    applicationName: 'test',
  });
  return {
    testDatabase,
    db,
    async close() {
      await db.end();
      await testDatabase.drop();
    },
  };
}
