import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { RIGHTS, ROLES, VERBS, grantedTo, type RoleName } from '../../src/db/access/rights.ts';
import { readRights } from '../../src/db/access/role.ts';
import { sql } from '../../src/db/sql.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';

let testDatabase: TestDatabase;
let db: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = await openDatabase({
    url: testDatabase.superuserUrl,
    maxConnections: 2,
    applicationName: 'test-roles',
  });
});
afterAll(async () => {
  await db.end();
  await testDatabase.drop();
});

/** Every right that the matrix gives these roles, in the form of `readRights`. */
function documented(roles: readonly RoleName[]) {
  return Object.keys(RIGHTS)
    .sort()
    .flatMap((table) =>
      [...VERBS].sort().flatMap((verb) => {
        const columns = grantedTo(roles, table, verb);
        return columns.length === 0 ? [] : { table, verb, columns };
      }),
    );
}

/** One line per right, so that a difference names its table. */
function lines(rights: Awaited<ReturnType<typeof readRights>>): readonly string[] {
  return rights.map(({ table, verb, columns }) =>
    columns === '*' ? `${table}: ${verb}` : `${table}: ${verb} (${columns.join(', ')})`,
  );
}

test.each(ROLES)('%s has exactly the documented rights', async (role) => {
  const together: readonly RoleName[] =
    role === 'arcadia_app' ? ['arcadia_api', 'arcadia_worker', 'arcadia_app'] : [role];
  expect(lines(await readRights(db, role))).toEqual(lines(documented(together)));
});

test('arcadia_app may also manage keys, set the time zone, skip numbers, export to the books, archive usage and delete old events', async () => {
  const grants = await db.anyFirst(sql.type(z.object({ table: z.string() }))`
    SELECT DISTINCT relname::text AS "table"
    FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid,
      LATERAL (SELECT * FROM aclexplode(relacl) UNION ALL SELECT * FROM aclexplode(attacl)) acl
    WHERE relnamespace = 'public'::regnamespace AND grantee = 'arcadia_app'::regrole
    ORDER BY 1
  `);
  expect(grants).toEqual([
    'api_keys',
    'billing_months',
    'billing_settings',
    'book_export_documents',
    'book_exports',
    'book_exports_written',
    'signing_secrets',
    'skipped_invoice_numbers',
    'webhook_events',
  ]);
  // The functions that run with their owner's rights, and the roles that may call them.
  const functions = await db.any(sql.type(z.object({ name: z.string(), roles: z.string() }))`
    SELECT proname::text AS name, string_agg(grantee::regrole::text, ', ' ORDER BY grantee) AS roles
    FROM pg_proc, aclexplode(proacl)
    WHERE pronamespace = 'public'::regnamespace AND prosecdef AND grantee <> proowner
    GROUP BY proname ORDER BY proname
  `);
  expect(functions).toEqual([
    { name: 'archive_usage', roles: 'arcadia_app' },
    { name: 'end_quarantine', roles: 'arcadia_worker' },
    { name: 'expire_usage', roles: 'arcadia_app' },
    { name: 'llm_usage_by_day', roles: 'arcadia_api, arcadia_worker, arcadia_readonly' },
    {
      name: 'month_end_state',
      roles: 'arcadia_api, arcadia_worker, arcadia_readonly, arcadia_tenant',
    },
    { name: 'store_held_usage', roles: 'arcadia_worker' },
  ]);
});

test('the matrix has exactly the tables of the schema', async () => {
  const tables = await db.anyFirst(sql.type(z.object({ name: z.string() }))`
    SELECT relname::text AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
    ORDER BY relname
  `);
  expect(tables).toEqual(Object.keys(RIGHTS).sort());
});

/** S, I, U, D; a lower-case letter for some of the columns. */
function initials(table: string, role: RoleName): string {
  const letters = VERBS.flatMap((verb) => {
    const columns = RIGHTS[table]?.[role]?.[verb];
    if (columns === undefined) return [];
    return columns === '*' ? verb.charAt(0) : verb.charAt(0).toLowerCase();
  });
  return letters.join(' ') || '–';
}

test('the matrix in docs/operations/install-and-configure.md lists the same rights', async () => {
  const text = await readFile(
    new URL('../../docs/operations/install-and-configure.md', import.meta.url),
    'utf8',
  );
  const [, section = ''] = /\n## Roles\n(.*?)\n## /s.exec(text) ?? [];
  const rows = section
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .filter((cells) => cells.length === ROLES.length + 3 && Object.hasOwn(RIGHTS, cells[1] ?? ''));
  expect(rows.map((cells) => cells.slice(1, -1))).toEqual(
    Object.keys(RIGHTS).map((table) => [table, ...ROLES.map((role) => initials(table, role))]),
  );
});
