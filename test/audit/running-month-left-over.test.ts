import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { runningMonthOf } from '../../src/audit/running-month.ts';
import { recordItems } from '../../src/catalogue/record-items.ts';
import { scopeToTenant } from '../../src/db/access/tenant-scope.ts';
import { readInvoiceLines } from '../../src/db/invoices/invoices.ts';
import { dueTenants } from '../../src/db/month-end/due-tenants.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { addMonths, previousMonth } from '../../src/domain/period.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import {
  MONTH,
  seedCatalogue,
  seedRequest,
  seedTenant,
  seedUsage,
  type SeedDeployment,
} from '../_util/seed.ts';
import { periodOf } from '../_util/utc.ts';

/**
 * What earlier months left is in the running month as its month end will bill it: not as long as an earlier month's
 * invoice is to take it.
 */

const LAST = previousMonth(MONTH);
/** The month before the last one. */
const EARLIER = addMonths(MONTH, -2);
const NOW = new Date(`${MONTH}-20T12:00:00Z`);

let world: LedgerWorld;
/** With the API's rights. */
let apiDb: Database;
beforeEach(async () => {
  world = await createLedgerWorld();
  const { apiUrl: url } = world.testDatabase;
  apiDb = await openDatabase({ url, maxConnections: 4, applicationName: 'test-running' });
  await seedCatalogue(world.db);
});
afterEach(async () => {
  await apiDb.end();
  await world[Symbol.asyncDispose]();
});

const seedAcme = (life: Omit<SeedDeployment, 'deploymentId'> = {}) =>
  seedTenant(world.db, 'acme', [{ deploymentId: 'acme-a', ...life }]);
const use = (amount: string, month: string) =>
  seedUsage(world.db, {
    ...{ tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage' },
    ...{ amount, month },
  });
const record = (cents: number, month: string) =>
  recordItems(
    world.db,
    [
      {
        ...{ item_id: `item-${cents}`, tenant_id: 'acme', month, taxable: true },
        ...{ description: 'x', amount_cents: cents },
      },
    ],
    'test',
  );

let runs = 0;
/** A run of the month, for all due tenants. */
async function closeMonth(month: string): Promise<void> {
  const { db, activities } = world;
  await seedRequest(db, month, { requestId: `run-${(runs += 1)}` });
  const pass = await activities.beginPass({ month });
  const due = await db.anyFirst(
    sql.type(z.object({ tenant_id: z.string() }))`${dueTenants(periodOf(month))}`,
  );
  await buildInvoices(world, due, { month });
  await activities.finishPass({ month, upToSeq: pass?.upToSeq ?? 0 });
}

const inShort = (lines: readonly { description: string; amountCents: number }[]) =>
  lines.map(({ description, amountCents }) => `${description} ${amountCents}`);

/** The running month, for the tenant's key and for an operator alike. */
async function running() {
  const own = await runningMonthOf(scopeToTenant(apiDb, 'acme'), 'acme', NOW);
  expect(own).toEqual(await runningMonthOf(apiDb, 'acme', NOW));
  return { includes: own?.includesEarlierMonths, lines: inShort(own?.invoice?.lines ?? []) };
}

/** The lines of a month's live invoice; null if there is none. */
async function linesOf(month: string) {
  const all = await invoicesOf(world.db, 'acme');
  const live = all.find((each) => each.month === month && each.status === 'issued');
  if (live === undefined) return null;
  return inShort((await readInvoiceLines(world.db, [live.invoiceId])).get(live.invoiceId) ?? []);
}

/** The month ends as the running month says, and includes what earlier months left. */
async function expectBilled(lines: readonly string[]): Promise<void> {
  expect(await running()).toEqual({ includes: true, lines });
  await closeMonth(MONTH);
  expect((await linesOf(MONTH)) ?? []).toEqual(lines);
}

const LATE_7 = [`LLM usage, late for ${EARLIER} 7`, 'GST (10%) 1'];

test('late usage of a tenant that has left is not in it until the last month is closed', async () => {
  await seedAcme({ endsAt: `${LAST}-01T00:00:00Z` });
  await closeMonth(EARLIER);
  await use('7', EARLIER);
  expect(await running()).toEqual({ includes: false, lines: [] });
  await closeMonth(LAST);
  expect(await linesOf(LAST)).toEqual(LATE_7);
  await expectBilled([]);
});

test('late usage of a tenant that has left is in it if it comes after that', async () => {
  await seedAcme({ endsAt: `${LAST}-01T00:00:00Z` });
  await closeMonth(EARLIER);
  await closeMonth(LAST);
  await use('7', EARLIER);
  await expectBilled(LATE_7);
});

test('so is usage of the last month itself, in which the tenant had left', async () => {
  await seedAcme({ endsAt: `${LAST}-01T00:00:00Z` });
  await closeMonth(EARLIER);
  await closeMonth(LAST);
  await use('7', LAST);
  await expectBilled([`LLM usage, late for ${LAST} 7`, 'GST (10%) 1']);
});

test('usage of a month before the first subscription makes an invoice come', async () => {
  await seedAcme({ startsAt: `${MONTH}-01T00:00:00Z` });
  expect(await running()).toMatchObject({ includes: true });
  await use('7', LAST);
  expect(await running()).toMatchObject({ includes: false });
  await closeMonth(LAST);
  await expectBilled(['Plan base 5000', 'GST (10%) 500']);
});

test('a charge of the last month waits for the last month, also of a tenant that only starts in this one', async () => {
  await seedAcme({ startsAt: `${MONTH}-01T00:00:00Z` });
  await record(30_000, LAST);
  expect(await running()).toEqual({ includes: false, lines: ['Plan base 5000', 'GST (10%) 500'] });
  await closeMonth(LAST);
  expect(await linesOf(LAST)).toEqual(['x 30000', 'GST (10%) 3000']);
  await record(1000, LAST);
  await expectBilled(['Plan base 5000', 'x 1000', 'GST (10%) 600']);
});

test('a credit that found nothing to reduce in the last month is in it', async () => {
  // In force for no day of the last month.
  await seedAcme({ startsAt: `${LAST}-10T01:00:00Z`, endsAt: `${LAST}-10T02:00:00Z` });
  await world.db.query(sql.typeAlias('nothing')`
    INSERT INTO subscriptions (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at)
    VALUES ('later', 'acme', 'acme-a', 'studio-v1', ${`${MONTH}-01T00:00:00Z`})`);
  await record(-1000, LAST);
  expect(await running()).toMatchObject({ includes: false });
  await closeMonth(LAST);
  expect(await linesOf(LAST)).toBeNull();
  await expectBilled(['Plan base 5000', 'x -1000', 'GST (10%) 400']);
});

test('while the last month runs again, its run may take what came late', async () => {
  await seedAcme({ endsAt: `${LAST}-01T00:00:00Z` });
  await closeMonth(EARLIER);
  await closeMonth(LAST);
  await use('7', EARLIER);
  await seedRequest(world.db, LAST, { requestId: 'again' });
  expect(await running()).toEqual({ includes: false, lines: [] });
});

const setPlan = (planVersionId: string | null) =>
  world.db.query(sql.typeAlias('nothing')`
    UPDATE subscriptions SET plan_version_id = ${planVersionId} WHERE tenant_id = 'acme'`);

test('the usage of a parked month is not in it, until that month is invoiced', async () => {
  await seedAcme();
  await closeMonth(EARLIER);
  await use('7', EARLIER);
  await use('100', LAST);
  await setPlan(null);
  await closeMonth(LAST);
  await setPlan('studio-v1');
  const lines = ['Plan base 5000', 'GST (10%) 500'];
  expect(await running()).toEqual({ includes: false, lines });
  await closeMonth(LAST);
  expect(await linesOf(LAST)).toContain(`LLM usage, late for ${EARLIER} 7`);
  await expectBilled(lines);
});

test('late usage that a rerun has sealed and not billed is in it', async () => {
  await seedAcme();
  await closeMonth(LAST);
  await use('7', LAST);
  await setPlan(null);
  await forceInvoices(world, ['acme'], {}, LAST);
  await setPlan('studio-v1');
  await use('100', LAST);
  await expectBilled(['Plan base 5000', `LLM usage, late for ${LAST} 107`, 'GST (10%) 511']);
});
