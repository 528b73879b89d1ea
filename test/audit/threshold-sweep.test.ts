import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActivities, type Activities } from '../../src/activities/create-activities.ts';
import { sweepPage } from '../../src/audit/threshold-sweep.ts';
import { runningMonthOf } from '../../src/audit/running-month.ts';
import { recordItems } from '../../src/catalogue/record-items.ts';
import { toLimit } from '../../src/catalogue/threshold-fields.ts';
import type { SweepCursor } from '../../src/contracts/activity-types.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { removeThreshold, setThreshold } from '../../src/db/usage/spend-thresholds.ts';
import { sql } from '../../src/db/sql.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { ACTIVITY_DEPS, createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { release } from '../_util/releasing.ts';
import {
  MONTH,
  seedCatalogue,
  seedRequest,
  seedSeller,
  seedTenant,
  seedUsage,
} from '../_util/seed.ts';
import { thresholdsAreSetAt } from '../_util/thresholds-set-at.ts';
import { outboxOf, register } from '../webhooks/_receiving.ts';

/** In the month of the usage. */
const NOW = new Date('2026-05-20T12:00:00Z');
const actor = 'test';

let world: LedgerWorld;
/** With the worker's rights. */
let workerDb: Database;
beforeEach(async () => {
  world = await createLedgerWorld();
  const { workerUrl: url } = world.testDatabase;
  workerDb = await openDatabase({ url, maxConnections: 4, applicationName: 'test-sweep' });
  await thresholdsAreSetAt(world.testDatabase.superuserUrl, NOW.toISOString());
  await seedCatalogue(world.db);
  // The plan costs 50.00 per month.
  for (const tenantId of ['acme', 'zeta']) await seedTenant(world.db, tenantId);
});
afterEach(async () => {
  await workerDb.end();
  await world[Symbol.asyncDispose]();
});

function sweepAt(now: Date): ReturnType<Activities['sweepThresholds']> {
  const activities = createActivities({ ...ACTIVITY_DEPS, now: () => now, db: workerDb });
  return activities.sweepThresholds({ cursor: null });
}
const sweep = () => sweepAt(NOW);

const set = (
  tenantId: string,
  thresholdId: string,
  sent: { readonly amount_cents: number } | { readonly percent_of_plan: number },
) => setThreshold(world.db, { tenantId, thresholdId, limit: toLimit(sent), actor });

/** LLM usage of a tenant's deployment, in cents. @returns the id of the event */
const spend = (tenantId: string, amount: string, month = MONTH) =>
  seedUsage(world.db, {
    tenantId,
    deploymentId: `${tenantId}-a`,
    kind: 'llm_usage',
    amount,
    month,
  });

type Event = Awaited<ReturnType<typeof outboxOf>>[number];
const inShort = ({ tenantId, data }: Event) =>
  [tenantId, data.threshold_id, data.month, data.threshold_cents, data.reached_cents].join(' ');
/** The events, in an order of their own: those of one sweep have the same time. */
const events = async () =>
  (await outboxOf(world.db))
    .filter(({ type }) => type === 'usage.threshold_reached')
    .toSorted((a, b) => (inShort(a) < inShort(b) ? -1 : 1));
const reported = async () => (await events()).map(inShort);

test('thresholds that the running invoice has reached are reported, once', async () => {
  await register(world.db);
  await set('acme', 'amount', { amount_cents: 8000 });
  await set('acme', 'share', { percent_of_plan: 160 });
  await set('acme', 'far', { amount_cents: 100_000 });
  await spend('acme', '2999.4');
  expect(await sweep()).toEqual({ tenants: 1, reached: 0, failed: 0, next: null });
  expect(await events()).toEqual([]);

  // The line of LLM usage is rounded once: 30.00.
  await spend('acme', '0.1');
  expect(await sweep()).toEqual({ tenants: 1, reached: 2, failed: 0, next: null });
  expect(await sweep()).toEqual({ tenants: 1, reached: 0, failed: 0, next: null });
  expect(await events()).toEqual([
    {
      ...{ eventId: expect.any(String), type: 'usage.threshold_reached', tenantId: 'acme' },
      endpoints: 1,
      data: {
        ...{ tenant_id: 'acme', month: MONTH, threshold_id: 'amount', currency: 'AUD' },
        ...{ amount_cents: 8000, percent_of_plan: null },
        ...{ threshold_cents: 8000, reached_cents: 8000 },
        links: {
          usage: '/api/v1/usage/current?tenant_id=acme',
          thresholds: '/api/v1/usage-thresholds?tenant_id=acme',
        },
      },
    },
    expect.objectContaining({
      data: expect.objectContaining({
        ...{ threshold_id: 'share', amount_cents: null, percent_of_plan: 160 },
        ...{ threshold_cents: 8000, reached_cents: 8000 },
      }) as unknown,
    }),
  ]);
});

test('the amount is that of the running month, before tax, with invoice items', async () => {
  await register(world.db);
  const item = { item_id: 'workshop', tenant_id: 'acme', month: MONTH, taxable: false };
  await recordItems(world.db, [{ ...item, description: 'x', amount_cents: 2500 }], actor);
  await spend('acme', '1234.5');
  await set('acme', 'low', { amount_cents: 1 });
  await sweep();
  const running = await runningMonthOf(world.db, 'acme', NOW);
  expect(running?.invoice?.subtotalCents).toBe(5000 + 1235 + 2500);
  expect(await reported()).toEqual([`acme low ${MONTH} 1 ${5000 + 1235 + 2500}`]);
});

test('a tenant in a foreign currency needs no exchange rate', async () => {
  await register(world.db);
  await seedTenant(world.db, 'yankee', [{ deploymentId: 'y', planVersionId: 'yankee-v1' }], 'USD');
  await set('yankee', 'low', { amount_cents: 900 });
  expect(await sweep()).toMatchObject({ reached: 1, failed: 0 });
  expect(await events()).toMatchObject([{ data: { currency: 'USD', reached_cents: 900 } }]);
});

test('corrections neither repeat nor revoke what was reported', async () => {
  await register(world.db);
  await set('acme', 'amount', { amount_cents: 6000 });
  const eventId = await spend('acme', '1000');
  await sweep();
  await excludeEvent(world.db, { source: 'llm', eventId, actor, reason: 'twice' });
  expect(await sweep()).toMatchObject({ tenants: 0, reached: 0 });
  await spend('acme', '2000');
  expect(await sweep()).toMatchObject({ tenants: 0, reached: 0 });
  expect(await reported()).toEqual([`acme amount ${MONTH} 6000 6000`]);
});

test('each month reports a threshold again', async () => {
  await register(world.db);
  await set('acme', 'amount', { amount_cents: 6000 });
  await spend('acme', '1000');
  await spend('acme', '2500', '2026-06');
  await sweep();
  await sweepAt(new Date('2026-06-20T00:00:00Z'));
  expect(await reported()).toEqual([
    `acme amount ${MONTH} 6000 6000`,
    expect.stringMatching(/^acme amount 2026-06 6000 /),
  ]);
});

describe('a threshold that is set, changed or removed within the month', () => {
  beforeEach(async () => {
    await register(world.db);
    await spend('acme', '2000');
  });

  test('is reported by the next sweep if the month had passed it before', async () => {
    expect(await sweep()).toMatchObject({ tenants: 0 });
    await set('acme', 'late', { amount_cents: 6000 });
    await sweep();
    expect(await reported()).toEqual([`acme late ${MONTH} 6000 7000`]);
  });

  test('counts as another one if it is changed, but not if it is changed back', async () => {
    await set('acme', 'limit', { amount_cents: 6000 });
    await sweep();
    await set('acme', 'limit', { amount_cents: 9000 });
    expect(await sweep()).toMatchObject({ tenants: 1, reached: 0 });
    await spend('acme', '2000');
    await sweep();
    await set('acme', 'limit', { amount_cents: 6000 });
    expect(await sweep()).toMatchObject({ tenants: 0 });
    await set('acme', 'limit', { percent_of_plan: 120 });
    await sweep();
    expect(await reported()).toEqual([
      `acme limit ${MONTH} 6000 7000`,
      `acme limit ${MONTH} 6000 9000`,
      `acme limit ${MONTH} 9000 9000`,
    ]);
  });

  test('is not reported once it is removed, nor again if it is set again to the same', async () => {
    const removed = { tenantId: 'acme', thresholdId: 'gone', actor };
    await set('acme', 'gone', { amount_cents: 6000 });
    expect(await removeThreshold(world.db, removed)).toBe(true);
    expect(await sweep()).toMatchObject({ tenants: 0 });
    await set('acme', 'gone', { amount_cents: 6000 });
    await sweep();
    await removeThreshold(world.db, removed);
    await set('acme', 'gone', { amount_cents: 6000 });
    expect(await sweep()).toMatchObject({ tenants: 0 });
    expect(await reported()).toEqual([`acme gone ${MONTH} 6000 7000`]);
  });
});

test('without an endpoint the notice is on record, and a later endpoint gets no event', async () => {
  await set('acme', 'amount', { amount_cents: 5000 });
  expect(await sweep()).toMatchObject({ reached: 1 });
  await register(world.db);
  expect(await sweep()).toMatchObject({ tenants: 0 });
  expect(await events()).toEqual([]);
});

test('a tenant whose invoice cannot be computed does not stop the others', async () => {
  await register(world.db);
  await seedTenant(world.db, 'broken', [{ deploymentId: 'b', planVersionId: null }]);
  await seedTenant(world.db, 'idle', [{ deploymentId: 'i', endsAt: '2025-02-01T00:00:00Z' }]);
  for (const tenantId of ['broken', 'idle', 'zeta'])
    await set(tenantId, 'low', { amount_cents: 1 });
  expect(await sweep()).toEqual({ tenants: 3, reached: 1, failed: 1, next: null });
  expect(await reported()).toEqual([`zeta low ${MONTH} 1 5000`]);
});

test('only tenants with thresholds are looked at, page by page', async () => {
  await register(world.db);
  for (const tenantId of ['a', 'b', 'c', 'd']) await seedTenant(world.db, tenantId);
  for (const tenantId of ['a', 'b', 'd']) await set(tenantId, 'low', { amount_cents: 1 });
  const options = {
    until: Number.POSITIVE_INFINITY,
    onError: () => expect.unreachable(),
    pageSize: 2,
  };
  const pages: (SweepCursor | null)[] = [];
  let cursor: SweepCursor | null = null;
  do {
    const page = await sweepPage(workerDb, NOW, cursor, options);
    cursor = page.next;
    pages.push(cursor);
  } while (cursor !== null);
  expect(pages).toEqual([{ month: MONTH, after: null }, { month: MONTH, after: 'b' }, null]);
  expect((await events()).map(({ tenantId }) => tenantId)).toEqual(['a', 'b', 'd']);
});

test('concurrent sweeps report each threshold once', async () => {
  await register(world.db);
  const tenants = ['a', 'b', 'c', 'd'];
  for (const tenantId of tenants) {
    await seedTenant(world.db, tenantId);
    for (const percent of [101, 102])
      await set(tenantId, `p${percent}`, { percent_of_plan: percent });
    await spend(tenantId, '1000');
  }
  const results = await Promise.all([sweep(), sweep(), sweep(), sweep()]);
  expect(results.reduce((sum, { reached }) => sum + reached, 0)).toBe(2 * tenants.length);
  expect(await events()).toHaveLength(2 * tenants.length);
});

describe('at the turn of the month', () => {
  beforeEach(async () => {
    await register(world.db);
    await set('acme', 'amount', { amount_cents: 6000 });
    await spend('acme', '1000');
  });

  const NIGHT = new Date('2026-06-01T05:55:00Z');
  const MORNING = new Date('2026-06-01T06:30:00Z');
  const ONCE = [`acme amount ${MONTH} 6000 6000`];
  const sweepTwice = async (now: Date) => [await sweepAt(now), await sweepAt(now)];

  test('the month that is over is looked at as it ended, until it is invoiced', async () => {
    const [first, second] = await sweepTwice(NIGHT);
    expect(first).toMatchObject({ tenants: 2, reached: 1 });
    expect(second).toMatchObject({ tenants: 1, reached: 0 });
    await buildInvoices(world, ['acme']);
    await sweepTwice(MORNING);
    expect(await reported()).toEqual(ONCE);
  });

  test('usage that arrives between the last sweep and the invoice is on the invoice, which decides', async () => {
    await set('acme', 'share', { percent_of_plan: 120 });
    await set('acme', 'not-quite', { amount_cents: 6001 });
    await set('acme', 'nor-this', { percent_of_plan: 121 });
    await buildInvoices(world, ['acme']);
    const [first, second] = await sweepTwice(MORNING);
    // The running month, and the last one with the thresholds that its invoice has reached.
    expect(first).toMatchObject({ tenants: 2, reached: 2, failed: 0 });
    expect(second).toMatchObject({ tenants: 1, reached: 0 });
    expect(await reported()).toEqual([...ONCE, `acme share ${MONTH} 6000 6000`]);
  });

  test('so does usage that a draft holds: while the invoice is built, and if that fails', async () => {
    await set('acme', 'more', { amount_cents: 6100 });
    await buildInvoices(world, ['acme'], { stopAfter: 'openDrafts' });
    await sweepTwice(MORNING);
    expect(await reported()).toEqual(ONCE);
    await spend('acme', '100');
    const ofUnknownPlan = (plan: string | null) =>
      world.db.query(sql.typeAlias('nothing')`
        UPDATE subscriptions SET plan_version_id = ${plan} WHERE tenant_id = 'acme'`);
    await ofUnknownPlan(null);
    expect(await buildInvoices(world, ['acme'])).toMatchObject([{ outcome: 'parked' }]);
    expect(await sweepAt(MORNING)).toMatchObject({ reached: 0, failed: 2 });
    await ofUnknownPlan('studio-v1');
    await sweepTwice(MORNING);
    expect(await reported()).toEqual([...ONCE, `acme more ${MONTH} 6100 6100`]);
  });

  test('what comes after the invoice counts for no threshold of that month, also if a rerun bills it', async () => {
    await set('acme', 'more', { amount_cents: 6001 });
    await buildInvoices(world, ['acme']);
    await spend('acme', '100');
    await sweepTwice(MORNING);
    await forceInvoices(world, ['acme']);
    expect(await invoicesOf(world.db, 'acme')).toMatchObject([
      { subtotalCents: 6000 },
      { subtotalCents: 6100 },
    ]);
    await sweepTwice(MORNING);
    expect(await reported()).toEqual(ONCE);
  });

  test('an invoice that waits for its release notifies no one before', async () => {
    await seedSeller(world.db, { release: 'review' });
    await buildInvoices(world, ['acme']);
    await sweepTwice(MORNING);
    expect(await reported()).toEqual([]);
    await release(world.db, ['acme']);
    await sweepTwice(MORNING);
    expect(await reported()).toEqual(ONCE);
  });

  test('a month that has passed without an invoice is not looked at again', async () => {
    await seedTenant(world.db, 'new', [{ deploymentId: 'n', startsAt: '2026-06-01T00:00:00Z' }]);
    await set('new', 'low', { amount_cents: 1_000_000 });
    expect(await sweepAt(NIGHT)).toMatchObject({ tenants: 4 });
    await seedRequest(world.db, MONTH, { requestId: 'run' });
    const pass = await world.activities.beginPass({ month: MONTH });
    await buildInvoices(world, ['acme', 'zeta']);
    await world.activities.finishPass({ month: MONTH, upToSeq: pass?.upToSeq ?? 0 });
    expect(await sweepAt(MORNING)).toMatchObject({ tenants: 2 });
  });

  test('a threshold that is set after its end is not reported for it', async () => {
    const { superuserUrl } = world.testDatabase;
    await thresholdsAreSetAt(superuserUrl, '2026-05-31T23:59:59.999Z');
    await set('acme', 'early', { amount_cents: 5700 });
    await thresholdsAreSetAt(superuserUrl, '2026-06-01T00:00:00Z');
    await set('acme', 'late', { amount_cents: 5800 });
    await spend('zeta', '1000');
    await set('zeta', 'late', { amount_cents: 5800 });
    await sweepAt(NIGHT);
    expect(await reported()).toEqual([
      `acme amount ${MONTH} 6000 6000`,
      `acme early ${MONTH} 5700 6000`,
    ]);
    await spend('acme', '900', '2026-06');
    await sweepAt(NIGHT);
    expect(await reported()).toContain('acme late 2026-06 5800 5900');
  });

  test('an older month is not looked at', async () => {
    expect(await sweepAt(new Date('2026-07-01T00:00:00Z'))).toMatchObject({ reached: 0 });
    expect(await events()).toEqual([]);
  });
});
