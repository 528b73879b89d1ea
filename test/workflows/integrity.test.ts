import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { verifyMonth } from '../../src/audit/verify.ts';
import { sql } from '../../src/db/sql.ts';
import { readMonthEndStatus } from '../../src/db/month-end/month-end-status.ts';
import { requestMonthEnd, type ForceRequest } from '../../src/temporal/month-end-client.ts';
import { invoicesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { createWorld, progressOf, type World } from '../_util/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'beta', 'ciao']) await seedTenant(world.db, tenantId);
  await world.startWorker();
});
afterAll(() => world[Symbol.asyncDispose]());

const use = (tenantId: string, kind: string, amount: string) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount });

/** Requests the month, and waits until the request is served. */
async function ask(requestId: string, month: string, force?: ForceRequest) {
  const reason = 'a test';
  await requestMonthEnd(world.client, { month, requestId, actor: 'olga', reason, force });
  const manifest = z.object({ balanced: z.boolean(), imbalances: z.array(z.string()) });
  const row = z.object({ state: z.string(), manifest: manifest.nullable() });
  const served = await until(
    () =>
      world.db.one(sql.type(row)`
        SELECT state, manifest FROM month_end_requests WHERE request_id = ${requestId}`),
    ({ state }) => state === 'finished',
  );
  const progress = await until(
    () => progressOf(world, month),
    ({ state }) => state === 'open',
  );
  return { manifest: served.manifest, progress };
}

test('a rerun of the whole month with onlyIfChanged skips invoices that would not change', async () => {
  expect((await ask('first', MONTH)).progress.totals).toMatchObject({ rolled: 3 });
  await use('acme', 'llm_usage', '25');
  await use('beta', 'droplet_hours', '1');

  const { manifest, progress } = await ask('again', MONTH, { all: true, onlyIfChanged: true });

  expect(progress.totals).toEqual({
    rolled: 1,
    adjusted: 0,
    skipped: 0,
    unchanged: 2,
    nothing_to_bill: 0,
    parked: 0,
  });
  expect(manifest).toMatchObject({ balanced: true, imbalances: [] });
  expect((await invoicesOf(world.db)).map(({ number, status }) => [number, status])).toEqual([
    ['acme-000001', 'superseded'],
    ['acme-000002', 'issued'],
    ['beta-000001', 'issued'],
    ['ciao-000001', 'issued'],
  ]);
  expect(await verifyMonth(world.db, MONTH)).toMatchObject({ ok: true });
});

test('a signal releases an invoice that the safety bounds have parked', async () => {
  const month = '2026-06';
  await seedUsage(world.db, {
    tenantId: 'ciao',
    deploymentId: 'ciao-a',
    kind: 'llm_usage',
    amount: '99999',
    month,
  });
  const { progress } = await ask('june', month);
  expect(progress.totals).toMatchObject({ rolled: 2, parked: 1 });
  const { parked } = await readMonthEndStatus(world.db, month);
  expect(parked).toMatchObject([{ tenant_id: 'ciao', reason_type: 'out_of_bounds' }]);

  const released = await ask('release', month, { tenantIds: ['ciao'], acceptBounds: true });

  expect(released.progress.totals).toMatchObject({ rolled: 1, skipped: 2, parked: 0 });
  expect((await invoicesOf(world.db, 'ciao')).at(-1)).toMatchObject({
    subtotalCents: 104_999,
    actor: 'temporal:olga',
    reason: 'a test',
  });
});

test("a run whose books don't add up reports it in manifest, progress, status and details", async () => {
  const superuser = new pg.Client({ connectionString: world.superuserUrl });
  await superuser.connect();
  // Leaves billed usage with a superseded invoice.
  await superuser.query(`
    ALTER TABLE usage_buckets DISABLE TRIGGER USER;
    UPDATE usage_buckets SET sealed_for = (SELECT invoice_id FROM invoices WHERE number = 'acme-000001')
      WHERE tenant_id = 'acme' AND source = 'llm';
    ALTER TABLE usage_buckets ENABLE TRIGGER USER`);
  await superuser.end();

  const { manifest, progress } = await ask('broken', MONTH);

  expect(manifest).toMatchObject({ balanced: false });
  expect(manifest?.imbalances).toContain('llm_usage: 1 event (AUD 0.25) is unaccounted for');
  expect(progress.imbalances).toEqual(manifest?.imbalances);
  const status = await readMonthEndStatus(world.db, MONTH);
  expect(status).toMatchObject({ balanced: false, imbalances: manifest?.imbalances });
  const details = await world.client.workflow
    .getHandle(`month-end-${MONTH}`)
    .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  expect(JSON.stringify(details)).toContain("The books don't add up");
});
