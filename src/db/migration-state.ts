import { readdir } from 'node:fs/promises';
import { z } from 'zod';
import { MIGRATIONS_DIR, MIGRATIONS_TABLE } from './migrate.ts';
import type { Queryable } from './pool.ts';
import { sql } from './sql.ts';

/** The migrations of this version, compared with those applied to the database. */
export interface MigrationState {
  readonly applied: number;
  /** Migrations of this version that the database lacks, in order. */
  readonly missing: readonly string[];
  /** Applied migrations that only a later version knows. */
  readonly unknown: readonly string[];
}

export async function readMigrationState(db: Queryable): Promise<MigrationState> {
  const known = await listFiles();
  const applied = await listApplied(db);
  return {
    applied: applied.length,
    missing: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  };
}

async function listFiles(): Promise<readonly string[]> {
  const files = await readdir(MIGRATIONS_DIR);
  return files
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();
}

async function listApplied(db: Queryable): Promise<readonly string[]> {
  const isThere = await db.oneFirst(sql.type(z.object({ is_there: z.boolean() }))`
    SELECT to_regclass(${MIGRATIONS_TABLE}) IS NOT NULL AS is_there
  `);
  if (!isThere) return [];
  return db.anyFirst(sql.type(z.object({ name: z.string() }))`
    SELECT name FROM ${sql.identifier([MIGRATIONS_TABLE])} ORDER BY name
  `);
}
