import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MIGRATIONS_DIR, migrate } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { scopeToTenant } from '../../src/db/access/tenant-scope.ts';
import { startPostgres, type LocalPostgres } from '../../dev/postgres.ts';

/** A cluster with only a migrator: the migrations create the other roles. */
let stateDir: string;
let postgres: LocalPostgres;
let superuser: pg.Client;
beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'arcadia-migrate-'));
  postgres = await startPostgres({ stateDir, durable: false });
  superuser = new pg.Client({ connectionString: postgres.superuserUrl });
  await superuser.connect();
  await superuser.query(`CREATE ROLE arcadia_migrator LOGIN CREATEROLE PASSWORD 'm'`);
});
afterAll(async () => {
  await superuser.end();
  await postgres.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

/** Creates a database owned by the migrator. @returns the migrator's URL */
async function create(database: string): Promise<string> {
  await superuser.query(`CREATE DATABASE ${database} OWNER arcadia_migrator`);
  return `postgres://arcadia_migrator:m@127.0.0.1:${postgres.port}/${database}`;
}

async function memberships(): Promise<readonly string[]> {
  const { rows } = await superuser.query<{ text: string }>(`
    SELECT DISTINCT member::regrole || ' in ' || roleid::regrole ||
      CASE WHEN inherit_option THEN ', inherits' ELSE '' END AS text
    FROM pg_auth_members WHERE set_option AND roleid::regrole::text LIKE 'arcadia%' ORDER BY 1`);
  return rows.map(({ text }) => text);
}

const EXPECTED = [
  'arcadia_api in arcadia_tenant',
  'arcadia_app in arcadia_api, inherits',
  'arcadia_app in arcadia_worker, inherits',
  'arcadia_migrator in arcadia_tenant',
];

test('migrates several databases of a cluster concurrently and creates the roles', async () => {
  const urls: string[] = [];
  for (const name of ['one', 'two', 'three']) urls.push(await create(name));
  const applied = await Promise.all(urls.map((databaseUrl) => migrate({ databaseUrl })));
  expect(applied[0]).toContain('000001_roles');
  expect(applied).toEqual(applied.map(() => applied[0]));
  expect(await memberships()).toEqual(EXPECTED);
  expect(await migrate({ databaseUrl: urls[0]! })).toEqual([]);
});

test('an owner that also serves the API can read for a tenant', async () => {
  const url = await create('owned');
  await migrate({ databaseUrl: url });
  const db = await openDatabase({ url, maxConnections: 1, applicationName: 'test-owner' });
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO tenants (tenant_id, name, currency) VALUES ('acme', 'acme', 'AUD'), ('zeta', 'zeta', 'AUD')`);
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO invoice_drafts (tenant_id, period_start, owner, owner_started_at, state, closed_at)
    SELECT tenant_id, '2026-05-01', 'x', now(), 'issued', now() FROM tenants`);
  await db.transaction(async (tx) => {
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO invoices (invoice_id, tenant_id, period_start, period_end, revision, tenant_seq,
        number, currency, subtotal_cents, taxable_cents, tax_cents, total_cents, buyer_name,
        tax_treatment, tax_label, tax_rate, seller_registered, payment_days)
      SELECT draft_id, tenant_id, period_start, '2026-05-31', 1, 1, tenant_id || '-1', 'AUD', 0, 0, 0, 0,
        tenant_id, 'gst', 'GST', 0.10, true, 14
      FROM invoice_drafts`);
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO releases (tenant_id, period_start, actor, reason)
      SELECT tenant_id, period_start, 'test', 'issued' FROM invoices`);
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO invoice_lines (invoice_id, line_no, deployment_id, kind, description, qty, unit, amount_cents)
      SELECT invoice_id, 1, 'a', 'plan_base', 'Plan base', 1, 'month', 0 FROM invoices`);
  });
  const numbers = sql.type(
    z.object({ number: z.string() }),
  )`SELECT number FROM invoices ORDER BY 1`;
  expect(await db.anyFirst(numbers)).toEqual(['acme-1', 'zeta-1']);
  expect(await scopeToTenant(db, 'acme').anyFirst(numbers)).toEqual(['acme-1']);
  await db.end();
});

test('asks for a membership that only a superuser can grant', async () => {
  await superuser.query('REVOKE arcadia_tenant FROM arcadia_migrator CASCADE');
  const databaseUrl = await create('asked');
  await expect(migrate({ databaseUrl })).rejects.toMatchObject({
    message:
      'arcadia_api has to be a member of arcadia_tenant, and arcadia_migrator may not grant that',
    hint: expect.stringContaining('deploy/roles.sql') as string,
  });
  await superuser.query('GRANT arcadia_tenant TO arcadia_api WITH INHERIT FALSE, SET TRUE');
  expect(await migrate({ databaseUrl })).toContain('000001_roles');
  // A role that only migrates does not need it.
  expect(await memberships()).toEqual(EXPECTED.slice(0, 3));
});

describe('while another transaction uses a table', () => {
  const name = '000099_nickname';
  let directory: string;
  beforeAll(() => {
    directory = join(stateDir, 'migrations');
    cpSync(MIGRATIONS_DIR, directory, { recursive: true });
    writeFileSync(join(directory, `${name}.sql`), 'ALTER TABLE tenants ADD COLUMN nickname text;');
  });

  /** A transaction that reads tenants and stays open. */
  async function holdTenants(url: string): Promise<pg.Client> {
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM tenants');
    return holder;
  }

  test('a migration lets later queries go ahead, and is applied once the table is free', async () => {
    const url = await create('blocked');
    await migrate({ databaseUrl: url });
    const holder = await holdTenants(url);
    const reader = new pg.Client({ connectionString: url });
    await reader.connect();

    const waits = Promise.withResolvers<string>();
    const migrated = migrate({ databaseUrl: url, directory, onWait: waits.resolve });
    expect(await waits.promise).toBe(
      'another transaction holds a lock that the migration needs: trying again',
    );
    await reader.query('SELECT FROM tenants');
    await holder.query('COMMIT');
    expect(await migrated).toEqual([name]);
    await Promise.all([holder.end(), reader.end()]);
  });

  test('a migration gives up in the end and changes nothing', async () => {
    const url = await create('occupied');
    await migrate({ databaseUrl: url });
    const holder = await holdTenants(url);
    await expect(
      migrate({ databaseUrl: url, directory, lockWaitSeconds: 1 }),
    ).rejects.toMatchObject({
      name: 'MigrationBlockedError',
      message: expect.stringContaining('for 1 s: find it in pg_stat_activity') as string,
    });
    await holder.end();
    expect(await migrate({ databaseUrl: url, directory })).toEqual([name]);
  });
});
