import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import type { BenchServers } from './servers.ts';

/** Lines of PostgreSQL's log for statements with and without parameters. */
const STATEMENT = /LOG: {2}(?:execute|statement)\b/g;

/** Has PostgreSQL log every statement that workers will send to this database. */
export async function logStatements(client: pg.ClientBase): Promise<void> {
  await client.query(`DO $$ BEGIN EXECUTE format(
    'ALTER ROLE arcadia_worker IN DATABASE %I SET log_statement = ''all''', current_database()); END $$`);
}

/** Counts the statements that PostgreSQL logs while `work` runs, BEGIN and COMMIT included. */
export async function countStatements(
  { folder }: BenchServers,
  work: () => Promise<unknown>,
): Promise<number> {
  const file = join(folder, 'postgres.log');
  const { size } = statSync(file);
  await work();
  return readFileSync(file).subarray(size).toString().match(STATEMENT)?.length ?? 0;
}
