import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openDatabase, type Database, type Queryable } from '../../src/db/pool.ts';
import { RIGHTS } from '../../src/db/access/rights.ts';
import { sql } from '../../src/db/sql.ts';
import { scopeToTenant } from '../../src/db/access/tenant-scope.ts';
import { nextMonth } from '../../src/domain/period.ts';
import { archiveUsage } from '../../src/ingestion/archive-usage.ts';
import { ageUsage } from '../_util/age-usage.ts';
import { fillBooks } from '../_util/full-books.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedUsage } from '../_util/seed.ts';

/** Tables with tenants' rows, by their own column or by their parent. */
const ISOLATED: Readonly<Record<string, { readonly parent: string; readonly key: string } | null>> =
  {
    api_keys: null,
    book_export_documents: { parent: 'invoices', key: 'invoice_id' },
    buyer_details: null,
    control_total_acceptances: null,
    control_totals: null,
    deployments: null,
    invoice_compositions: { parent: 'invoices', key: 'invoice_id' },
    invoice_digests: { parent: 'invoices', key: 'invoice_id' },
    invoice_draft_chunks: { parent: 'invoice_drafts', key: 'draft_id' },
    invoice_drafts: null,
    invoice_exclusions: { parent: 'invoices', key: 'invoice_id' },
    invoice_items: null,
    invoice_line_changes: { parent: 'invoices', key: 'invoice_id' },
    invoice_lines: { parent: 'invoices', key: 'invoice_id' },
    invoice_status_changes: { parent: 'invoices', key: 'invoice_id' },
    invoice_usage: { parent: 'invoices', key: 'invoice_id' },
    invoices: null,
    llm_usage_archive: null,
    llm_usage_events: null,
    metered_usage_archive: null,
    metered_usage_records: null,
    month_end_request_tenants: null,
    operator_actions: { parent: 'api_keys', key: 'key_id' },
    overdue_notices: { parent: 'invoices', key: 'invoice_id' },
    payments: { parent: 'invoices', key: 'invoice_id' },
    quarantined_events: null,
    releases: null,
    signing_secrets: { parent: 'api_keys', key: 'key_id' },
    skipped_invoice_numbers: null,
    spend_thresholds: null,
    subscription_addons: { parent: 'subscriptions', key: 'subscription_id' },
    subscriptions: null,
    tenant_outcomes: null,
    tenant_tax_treatments: null,
    tenants: null,
    threshold_notices: null,
    usage_buckets: null,
    usage_exclusions: null,
    webhook_attempts: { parent: 'webhook_events', key: 'event_id' },
    webhook_deliveries: { parent: 'webhook_events', key: 'event_id' },
    webhook_events: null,
  };
const TABLES = Object.keys(ISOLATED);
/** Views show what their reader may see of the tables below (`test/db/payments.test.ts`), and can't be written. */
const VIEWS = ['invoice_balances'];
const READABLE = TABLES.filter((table) => RIGHTS[table]?.arcadia_tenant);

let world: LedgerWorld;
let superuser: pg.Client;
/** With the API's rights, on one connection. */
let apiDb: Database;
let acme: Queryable;
beforeAll(async () => {
  world = await createLedgerWorld();
  superuser = new pg.Client({ connectionString: world.testDatabase.superuserUrl });
  await superuser.connect();
  apiDb = await openDatabase({
    url: world.testDatabase.apiUrl,
    maxConnections: 1,
    applicationName: 'test-scope',
  });
  acme = scopeToTenant(apiDb, 'acme');
  await seedCatalogue(world.db);
  await fillBooks(world.db, world, 'acme');
  await fillBooks(world.db, world, 'zeta');
  await fillArchive();
});
afterAll(async () => {
  await Promise.all([apiDb.end(), superuser.end()]);
  await world[Symbol.asyncDispose]();
});

/** Archives all usage so far, then adds more. */
async function fillArchive(): Promise<void> {
  const { db, activities } = world;
  const pass = await activities.beginPass({ month: MONTH });
  await activities.finishPass({ month: MONTH, upToSeq: pass?.upToSeq ?? 0 });
  await ageUsage(world.testDatabase.superuserUrl);
  await archiveUsage(db, nextMonth(MONTH));
  for (const tenantId of ['acme', 'zeta']) {
    for (const kind of ['llm_usage', 'droplet_hours']) {
      await seedUsage(db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount: '1' });
    }
  }
}

describe('every table with rows of tenants', () => {
  test('is listed here', async () => {
    const { rows } = await superuser.query<{ name: string }>(`
      WITH RECURSIVE isolated AS (
        SELECT attrelid AS oid FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE attname IN ('tenant_id', 'invoice_id') AND relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
        UNION
        SELECT conrelid FROM pg_constraint JOIN isolated ON confrelid = isolated.oid
        WHERE contype = 'f'
      )
      SELECT oid::regclass::text AS name FROM isolated ORDER BY 1`);
    expect(rows.map((row) => row.name)).toEqual(TABLES);
  });

  test.each(TABLES)('is isolated, even for its owner: %s', async (table) => {
    const { rows } = await superuser.query(
      `SELECT relrowsecurity AS on, relforcerowsecurity AS forced, ARRAY(
         SELECT polname || ' for ' || polcmd::text || ' to ' || (
           SELECT string_agg(role::regrole::text, ', ' ORDER BY role::regrole::text)
           FROM unnest(polroles) AS role)
         FROM pg_policy WHERE polrelid = pg_class.oid ORDER BY polname) AS policies
       FROM pg_class WHERE oid = $1::regclass`,
      [table],
    );
    expect(rows).toEqual([
      {
        on: true,
        forced: true,
        policies: [
          'engine for * to arcadia_api, arcadia_migrator, arcadia_readonly, arcadia_worker',
          'own_tenant for r to arcadia_tenant',
          ...(table === 'invoices' ? ['released for r to arcadia_tenant'] : []),
          ...(table === 'invoice_drafts' ? ['unfinished for r to arcadia_tenant'] : []),
          ...(table === 'spend_thresholds'
            ? [
                'own_tenant_removes for w to arcadia_tenant',
                'own_tenant_sets for a to arcadia_tenant',
              ]
            : []),
        ],
      },
    ]);
  });
});

/** Rows as PostgreSQL writes them, of these columns. */
function rowsOf(db: Queryable, table: string, columns: readonly string[]) {
  const list = sql.join(
    columns.map((column) => sql.identifier(['t', column])),
    sql.fragment`, `,
  );
  return db.anyFirst(sql.type(z.object({ row: z.string() }))`
    SELECT ROW(${list})::text AS row FROM ${sql.identifier([table])} t ORDER BY 1
  `);
}

async function readableColumns(table: string): Promise<readonly string[]> {
  const { rows } = await superuser.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
       AND has_column_privilege('arcadia_tenant', attrelid, attnum, 'SELECT') ORDER BY attname`,
    [table],
  );
  return rows.map((row) => row.name);
}

/** Drafts that became documents tell of what may not be released. */
const HIDDEN: Readonly<Record<string, string>> = {
  invoice_drafts: "t.state NOT IN ('open', 'abandoned')",
};

/** acme's rows, read by separate SQL. */
async function expectOwnRowsOnly(table: string): Promise<void> {
  const columns = await readableColumns(table);
  const relation = ISOLATED[table];
  const isAcmes = relation
    ? `(SELECT tenant_id FROM ${relation.parent} p WHERE p.${relation.key} = t.${relation.key}) = 'acme'`
    : `t.tenant_id = 'acme'`;
  const { rows } = await superuser.query<{ row: string; own: boolean }>(
    `SELECT ROW(${columns.map((column) => `t.${column}`).join(', ')})::text AS row,
       ${isAcmes} AND NOT ${HIDDEN[table] ?? 'false'} AS own
     FROM ${table} t ORDER BY 1`,
  );
  const own = rows.filter((row) => row.own).map(({ row }) => row);
  expect(own, 'acme has rows').not.toEqual([]);
  expect(rows.length, 'others have rows').toBeGreaterThan(own.length);
  expect(await rowsOf(acme, table, columns)).toEqual(own);
  expect(await countAll(acme, table)).toBe(own.length);
  for (const nobody of ['', 'nobody']) {
    expect(await rowsOf(scopeToTenant(apiDb, nobody), table, columns)).toEqual([]);
  }
  expect(await countAsTenant(table)).toBe(0);
}

function countAll(db: Queryable, table: string): Promise<number> {
  return db.oneFirst(sql.type(z.object({ count: z.number() }))`
    SELECT count(*) AS count FROM ${sql.identifier([table])}
  `);
}

function countAsTenant(table: string): Promise<number> {
  return withoutTenant((tx) => countAll(tx, table));
}

/** With the role only, without a tenant. */
function withoutTenant<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
  return apiDb.transaction(async (tx) => {
    await tx.query(sql.typeAlias('nothing')`SET LOCAL ROLE arcadia_tenant`);
    return work(tx);
  });
}

describe("in a tenant's scope, a query without any filter", () => {
  test.each(READABLE)("only reads the tenant's rows of %s", expectOwnRowsOnly);

  test.each(TABLES.filter((table) => !READABLE.includes(table)))(
    'may not read %s at all',
    async (table) => {
      await expect(countAll(acme, table)).rejects.toThrow(`permission denied`);
    },
  );

  test.each([
    ['invoices', 'reason'],
    ['invoices', 'actor'],
    ['invoices', 'request_id'],
    ['usage_exclusions', 'actor'],
    ['usage_exclusions', 'reason'],
    ['payments', 'actor'],
    ['invoice_items', 'actor'],
    ['invoice_items', 'withdraw_reason'],
    ['tenants', 'last_invoice_seq'],
    ['spend_thresholds', 'set_by'],
    ['spend_thresholds', 'removed_by'],
  ])("may not read operators' columns: %s.%s", async (table, column) => {
    await expect(rowsOf(acme, table, [column])).rejects.toThrow('permission denied');
  });

  test('learns how far its own month ends are, and no others', async () => {
    const stateOf = (db: Queryable, tenantId: string) =>
      db.oneFirst(sql.type(z.object({ state: z.string().nullable() }))`
        SELECT month_end_state(${tenantId}, ${`${MONTH}-01`}::date) AS state
      `);
    expect(await stateOf(apiDb, 'zeta')).toBe('invoiced');
    expect(await stateOf(acme, 'acme')).toBe('invoiced');
    expect(await stateOf(acme, 'zeta')).toBeNull();
    expect(await withoutTenant((tx) => stateOf(tx, 'acme'))).toBeNull();
  });

  test('reads the catalogue', async () => {
    expect(await countAll(acme, 'plan_versions')).toBe(3);
  });
});

const statement = (text: string) => ({ ...sql.typeAlias('nothing')`SELECT`, sql: text });

describe("in a tenant's scope, nothing can be written but its spend thresholds", () => {
  test.each(
    Object.keys(RIGHTS)
      .filter((table) => !VIEWS.includes(table))
      .flatMap((table) => [
        ...(table === 'spend_thresholds' ? [] : [`INSERT INTO ${table} DEFAULT VALUES`]),
        `DELETE FROM ${table}`,
        `TRUNCATE ${table} CASCADE`,
      ]),
  )('%s', async (text) => {
    await expect(acme.query(statement(text))).rejects.toThrow('permission denied');
  });

  const set = (tenantId: string, columns = '', values = '') =>
    acme.query(
      statement(`INSERT INTO spend_thresholds (tenant_id, threshold_id, amount_cents, set_by ${columns})
        VALUES ('${tenantId}', 'by-hand', 1, 'acme' ${values})`),
    );

  test('it sets thresholds, but none of another tenant, nor columns that the database fills', async () => {
    await expect(set('zeta')).rejects.toThrow('row-level security');
    await expect(set('acme', ', set_at', ', now()')).rejects.toThrow('permission denied');
    expect((await set('acme')).rowCount).toBe(1);
  });

  test('it removes its own thresholds, and changes nothing else of them', async () => {
    for (const change of ["tenant_id = 'zeta'", 'amount_cents = 2', "threshold_id = 'other'"]) {
      const text = `UPDATE spend_thresholds SET ${change}`;
      await expect(acme.query(statement(text)), change).rejects.toThrow('permission denied');
    }
    const { rowCount } = await acme.query(
      statement(`UPDATE spend_thresholds SET removed_at = now(), removed_by = 'acme'
        WHERE threshold_id = 'by-hand'`),
    );
    expect(rowCount).toBe(1);
    // Also without a filter, it reaches no row of others.
    const all = await acme.query(
      statement(`UPDATE spend_thresholds SET removed_at = now(), removed_by = 'acme'
        WHERE removed_at IS NULL`),
    );
    expect(all.rowCount).toBe(1);
    const { rows } = await superuser.query(
      `SELECT count(*)::int AS count FROM spend_thresholds
       WHERE tenant_id = 'zeta' AND removed_at IS NULL`,
    );
    expect(rows).toEqual([{ count: 1 }]);
  });

  test('what was set never changes, for any role', async () => {
    for (const change of ['amount_cents = 2', 'removed_at = NULL, removed_by = NULL']) {
      const text = `UPDATE spend_thresholds SET ${change} WHERE removed_at IS NOT NULL`;
      await expect(superuser.query(text), change).rejects.toThrow('stays as it was set');
    }
    await expect(superuser.query('DELETE FROM spend_thresholds')).rejects.toThrow('append-only');
    await expect(superuser.query('DELETE FROM threshold_notices')).rejects.toThrow('append-only');
  });
});

describe('the connection after a query in the scope', () => {
  const session = z.object({ role: z.string(), tenant: z.string(), pid: z.number() });
  const OWN = { role: 'arcadia_api', tenant: '' };
  const readSession = (db: Queryable) =>
    db.one(sql.type(session)`
      SELECT current_user AS role, coalesce(current_setting('arcadia.tenant_id', true), '') AS tenant,
        pg_backend_pid() AS pid
    `);

  test("is the same one, with the API's role", async () => {
    const before = await readSession(apiDb);
    expect(before).toMatchObject(OWN);
    expect(await readSession(acme)).toEqual({ ...before, role: 'arcadia_tenant', tenant: 'acme' });
    expect(await readSession(apiDb)).toEqual(before);
    expect(await countAll(apiDb, 'tenants')).toBe(2);
  });

  test("that failed also has the API's role", async () => {
    await expect(countAll(acme, 'deployments')).rejects.toThrow('permission denied');
    expect(await readSession(apiDb)).toMatchObject(OWN);
  });
});

describe('the owner', () => {
  test.each(TABLES)('still reads every row for later migrations: %s', async (table) => {
    await using owner = await connect(world.testDatabase.migratorUrl);
    const query = `SELECT count(*)::int AS count FROM ${table}`;
    const { rows } = await superuser.query<{ count: number }>(query);
    expect(rows[0]?.count).toBeGreaterThan(1);
    expect((await owner.query(query)).rows).toEqual(rows);
  });

  test('still writes every row', async () => {
    await using owner = await connect(world.testDatabase.migratorUrl);
    await owner.query('BEGIN');
    expect((await owner.query('UPDATE tenants SET name = upper(name)')).rowCount).toBe(2);
    const copy = `INSERT INTO tenants (tenant_id, name, currency)
      SELECT tenant_id || '-2', name, currency FROM tenants`;
    expect((await owner.query(copy)).rowCount).toBe(2);
    const unused = `DELETE FROM tenants WHERE tenant_id LIKE '%-2'`;
    expect((await owner.query(unused)).rowCount).toBe(2);
    await owner.query('ROLLBACK');
  });
});

/** Last, because it changes this database. Rights belong to one database. */
describe('if a tenant was granted too much', () => {
  beforeAll(() => superuser.query('GRANT ALL ON ALL TABLES IN SCHEMA public TO arcadia_tenant'));

  test.each(TABLES)('it still only reads its own rows: %s', expectOwnRowsOnly);

  test('it still writes no row', async () => {
    await expect(
      acme.query(sql.typeAlias('nothing')`
        INSERT INTO deployments (deployment_id, tenant_id) VALUES ('more', 'acme')`),
    ).rejects.toThrow('row-level security');
    const { rowCount } = await acme.query(sql.typeAlias('nothing')`UPDATE tenants SET name = 'x'`);
    expect(rowCount).toBe(0);
  });
});

async function connect(url: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
