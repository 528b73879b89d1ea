import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { createActivities } from '../../src/activities/create-activities.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { loadCalendar } from '../../src/db/settings/load-calendar.ts';
import { acceptControlTotals } from '../../src/db/usage/accept-control-totals.ts';
import { compareControlTotals } from '../../src/db/usage/compare-control-totals.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { recordControlTotals } from '../../src/ingestion/record-control-totals.ts';
import { expectSoundBooks, invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, nextRun, settleInvoice } from '../_util/build.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { ACTIVITY_DEPS, createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

/** A month end that parks tenants whose control totals differ (docs/spec.md#control-totals). */

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld({ bounds: NO_BOUNDS, controlTotals: 'park' });
  await seedCatalogue(world.db);
});
afterAll(async () => {
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

let lastTenant = 0;
async function newTenant(): Promise<string> {
  const tenantId = `totals-${(lastTenant += 1)}`;
  await seedTenant(world.db, tenantId);
  return tenantId;
}
/** An event of the 15th. @returns its id */
const use = (tenantId: string, amount: string, month = MONTH) =>
  seedUsage(world.db, {
    tenantId,
    deploymentId: `${tenantId}-a`,
    kind: 'llm_usage',
    amount,
    month,
  });
/** States the total of the 15th, or another day. */
async function state(
  tenantId: string,
  requests: number,
  charge_cents: string,
  { month = MONTH, day = '15' } = {},
) {
  const total = { tenant_id: tenantId, deployment_id: `${tenantId}-a`, day: `${month}-${day}` };
  const stated = [{ ...total, requests, charge_cents }];
  const options = { actor: 'key:gateway', now: () => new Date() };
  const [result] = await recordControlTotals(world.db, stated, options);
  expect(result?.status).toBe('recorded');
}
async function accept(tenantId: string, month = MONTH) {
  const calendar = await loadCalendar(world.db);
  const asked = { month, tenantId, actor: 'key:ops', reason: 'counted retries' };
  return acceptControlTotals(world.db, calendar, asked);
}
async function build(tenantId: string, month = MONTH) {
  const [result] = await buildInvoices(world, [tenantId], { month });
  return result;
}
const PARKED = { outcome: 'parked', failure: { type: 'control_total_mismatch' } };
async function statesOf(tenantId: string, month = MONTH) {
  const calendar = await loadCalendar(world.db);
  const filter = { tenantIds: [tenantId], isWhole: true };
  const compared = await compareControlTotals(world.db, calendar, month, filter);
  return compared.map(({ state: of }) => of);
}
async function previewOf(tenantId: string, controlTotals: 'park' | 'report') {
  const found: TenantPreview[] = [];
  await previewMonth(world.db, MONTH, {
    ...{ bounds: NO_BOUNDS, controlTotals, tenantIds: [tenantId] },
    onTenant: (one) => found.push(one),
  });
  return found[0]?.preview.parked ?? null;
}

test('a tenant is parked until the missing usage arrives', async () => {
  const tenantId = await newTenant();
  await use(tenantId, '3');
  await state(tenantId, 2, '5');
  expect(await previewOf(tenantId, 'park')).toMatchObject({ type: 'control_total_mismatch' });
  expect(await previewOf(tenantId, 'report')).toBeNull();
  expect(await build(tenantId)).toMatchObject({
    outcome: 'parked',
    failure: {
      type: 'control_total_mismatch',
      reason: expect.stringContaining(
        `${tenantId}-a on 2026-05-15: the gateway stated 2 requests, AUD 0.05, the ledger has 1 request, AUD 0.03`,
      ),
    },
  });
  expect(await invoicesOf(world.db, tenantId)).toEqual([]);
  await use(tenantId, '2');
  expect(await previewOf(tenantId, 'park')).toBeNull();
  expect(await build(tenantId)).toMatchObject({ outcome: 'rolled' });
  expect(await invoicesOf(world.db, tenantId)).toMatchObject([{ subtotalCents: 5005 }]);
});

test('a tenant whose usage was all lost is parked, not found to have nothing to bill', async () => {
  const tenantId = `totals-${(lastTenant += 1)}`;
  const endsAt = '2026-05-01T12:00:00Z';
  await seedTenant(world.db, tenantId, [{ deploymentId: `${tenantId}-a`, endsAt }]);
  await state(tenantId, 1, '5');
  expect(await build(tenantId)).toMatchObject(PARKED);
  await accept(tenantId);
  expect(await build(tenantId)).toMatchObject({ outcome: 'nothing_to_bill' });
});

test('missing totals do not park', async () => {
  const tenantId = await newTenant();
  await use(tenantId, '3');
  await state(tenantId, 0, '0', { day: '14' });
  expect(await statesOf(tenantId)).toEqual(['missing']);
  expect(await build(tenantId)).toMatchObject({ outcome: 'rolled' });
});

test('usage that an operator excluded still counts: the gateway did make the request', async () => {
  const tenantId = await newTenant();
  const eventId = await use(tenantId, '3');
  const by = { actor: 'olga', reason: 'a mistake' };
  await excludeEvent(world.db, { source: 'llm', eventId, ...by });
  await state(tenantId, 1, '3');
  expect(await statesOf(tenantId)).toEqual(['equal']);
  expect(await build(tenantId)).toMatchObject({ outcome: 'rolled' });
});

test('a total that is corrected while the invoice is built decides', async () => {
  const tenantId = await newTenant();
  await use(tenantId, '3');
  await state(tenantId, 2, '5');
  const run = nextRun();
  await buildInvoices(world, [tenantId], { run, stopAfter: 'pullLlmUsage' });
  await state(tenantId, 1, '3');
  const [result] = await buildInvoices(world, [tenantId], { run });
  expect(result).toMatchObject({ outcome: 'rolled' });
});

test('usage that arrives after the seal counts as arrived; the next invoice bills it', async () => {
  const tenantId = await newTenant();
  await use(tenantId, '3');
  await state(tenantId, 2, '5');
  const run = nextRun();
  await buildInvoices(world, [tenantId], { run, stopAfter: 'pullLlmUsage' });
  await use(tenantId, '2');
  const [result] = await buildInvoices(world, [tenantId], { run });
  expect(result).toMatchObject({ outcome: 'rolled' });
  expect(await invoicesOf(world.db, tenantId)).toMatchObject([{ subtotalCents: 5003 }]);
});

test('late usage is compared when the next invoice takes it', async () => {
  const tenantId = await newTenant();
  await use(tenantId, '3');
  await state(tenantId, 1, '3');
  expect(await build(tenantId)).toMatchObject({ outcome: 'rolled' });
  // Sent again under another id.
  await use(tenantId, '3');
  expect(await build(tenantId, '2026-06')).toMatchObject({
    ...PARKED,
    failure: { reason: expect.stringContaining('2026-05-15') },
  });
  await state(tenantId, 2, '6');
  expect(await build(tenantId, '2026-06')).toMatchObject({ outcome: 'rolled' });
  expect(await invoicesOf(world.db, tenantId)).toMatchObject([
    { month: '2026-05', subtotalCents: 5003 },
    { month: '2026-06', subtotalCents: 5003 },
  ]);
});

test('a total that is corrected after the invoice changes nothing until the month is forced', async () => {
  const tenantId = await newTenant();
  await use(tenantId, '3');
  await state(tenantId, 1, '3');
  await build(tenantId);
  await state(tenantId, 2, '5');
  expect(await build(tenantId)).toMatchObject({ outcome: 'skipped' });
  expect(await statesOf(tenantId)).toEqual(['different']);
  const [parked] = await forceInvoices(world, [tenantId]);
  expect(parked).toMatchObject(PARKED);
  expect(await invoicesOf(world.db, tenantId)).toMatchObject([{ status: 'issued', revision: 1 }]);
  await use(tenantId, '2');
  const [rolled] = await forceInvoices(world, [tenantId]);
  expect(rolled).toMatchObject({ outcome: 'rolled' });
  expect(await invoicesOf(world.db, tenantId)).toMatchObject([
    { status: 'superseded' },
    { status: 'issued', subtotalCents: 5005 },
  ]);
});

test('an acceptance holds for one revision and exactly its usage, also for reruns', async () => {
  const tenantId = await newTenant();
  await use(tenantId, '3');
  await state(tenantId, 2, '5');
  expect(await accept(tenantId)).toMatchObject({ outcome: 'accepted', stillDifferent: 0 });
  expect(await build(tenantId)).toMatchObject({ outcome: 'rolled' });
  const [again] = await forceInvoices(world, [tenantId]);
  expect(again).toMatchObject({ outcome: 'rolled' });
  await state(tenantId, 3, '5');
  const [parked] = await forceInvoices(world, [tenantId]);
  expect(parked).toMatchObject(PARKED);
  // Stated as it was accepted: the gateway says it again after it has said something else.
  await state(tenantId, 2, '5');
  const [revised] = await forceInvoices(world, [tenantId]);
  expect(revised).toMatchObject(PARKED);
  expect(await accept(tenantId)).toMatchObject({ outcome: 'accepted', days: [{ revision: 3 }] });
  const [accepted] = await forceInvoices(world, [tenantId]);
  expect(accepted).toMatchObject({ outcome: 'rolled' });
});

test('an adjustment note is held back like an invoice', async () => {
  const tenantId = await newTenant();
  await use(tenantId, '3');
  await state(tenantId, 1, '3');
  await build(tenantId);
  const [invoice] = await invoicesOf(world.db, tenantId);
  await settleInvoice(world, invoice!);
  await use(tenantId, '200');
  const [parked] = await forceInvoices(world, [tenantId]);
  expect(parked).toMatchObject(PARKED);
  expect(await notesOf(world.db, tenantId)).toEqual([]);
  await accept(tenantId);
  const [adjusted] = await forceInvoices(world, [tenantId]);
  expect(adjusted).toMatchObject({ outcome: 'adjusted' });
});

test('one tenant is parked, and the others of its child are invoiced', async () => {
  const tenants = [await newTenant(), await newTenant(), await newTenant()] as const;
  for (const tenantId of tenants) await use(tenantId, '3');
  await state(tenants[1], 2, '5');
  await state(tenants[2], 1, '3');
  const results = await buildInvoices(world, tenants);
  const outcomes = new Map(results.map(({ tenantId, outcome }) => [tenantId, outcome]));
  expect(tenants.map((tenantId) => outcomes.get(tenantId))).toEqual(['rolled', 'parked', 'rolled']);
});

test('what the quarantine holds is shown beside, and does not count', async () => {
  const tenantId = await newTenant();
  await use(tenantId, '3');
  await state(tenantId, 2, '5');
  const hold = (id: string, reason: string, at: string, currency: string) =>
    world.db.query(sql.typeAlias('nothing')`
      INSERT INTO quarantined_events (source_id, content_hash, reason, detail, fields, tenant_id, deployment_id,
        occurred_at, charge_cents, currency)
      VALUES (${`${tenantId}-${id}`}, sha256('x'), ${reason}, 'x', '{}', ${tenantId}, ${`${tenantId}-a`}, ${at}, 2,
        ${currency})`);
  await hold('1', 'conflict', '2026-05-15T23:00:00Z', 'AUD');
  await hold('2', 'wrong_currency', '2026-05-15T23:00:00Z', 'USD');
  await hold('3', 'unpriced_model', '2026-05-15T23:00:00Z', 'AUD');
  await hold('4', 'conflict', '2026-06-01T00:00:00Z', 'AUD');
  expect(await build(tenantId)).toMatchObject({
    ...PARKED,
    failure: { reason: expect.stringContaining('and the quarantine 2 requests, AUD 0.02') },
  });
});

describe('the events of a month whose sums differ', () => {
  /**
   * Invoices a tenant as the worker does.
   * @param onRollback called after a transaction was rolled back
   * @returns the outcome, and for each time that events were read by day, whether a transaction was open
   */
  async function buildWatched(tenantId: string, onRollback = () => Promise.resolve()) {
    const { workerUrl: url } = world.testDatabase;
    const workerDb = await openDatabase({ url, maxConnections: 4, applicationName: 'test' });
    let isOpen = false;
    const watched = new Proxy(workerDb, {
      get(target, name): unknown {
        if (name !== 'transaction') return Reflect.get(target, name);
        return async (work: Parameters<typeof target.transaction>[0]) => {
          isOpen = true;
          try {
            return await target.transaction(work);
          } catch (error) {
            await onRollback();
            throw error;
          } finally {
            isOpen = false;
          }
        };
      },
    });
    const wasOpen: boolean[] = [];
    const db = interceptQueries(watched, (query) => {
      if (query.sql.includes('llm_usage_by_day')) wasOpen.push(isOpen);
      return query;
    });
    const policy = { bounds: NO_BOUNDS, controlTotals: 'park' } as const;
    const activities = createActivities({ ...ACTIVITY_DEPS, ...policy, db });
    try {
      const [result] = await buildInvoices({ activities }, [tenantId]);
      return { outcome: result?.outcome, wasOpen };
    } finally {
      await workerDb.end();
    }
  }

  test('are read without the locks of the transaction that issues', async () => {
    const tenantId = await newTenant();
    await use(tenantId, '3');
    await state(tenantId, 0, '0', { day: '14' });
    expect(await buildWatched(tenantId)).toEqual({ outcome: 'rolled', wasOpen: [false] });
    const other = await newTenant();
    await use(other, '3');
    await state(other, 2, '5');
    expect(await buildWatched(other)).toEqual({ outcome: 'parked', wasOpen: [false] });
  });

  test('are read again if usage or a total has arrived since', async () => {
    const tenantId = await newTenant();
    await use(tenantId, '3');
    await state(tenantId, 3, '7');
    const late = [() => use(tenantId, '2'), () => state(tenantId, 2, '5')];
    const built = await buildWatched(tenantId, async () => {
      await late.shift()?.();
    });
    expect(built).toEqual({ outcome: 'rolled', wasOpen: [false, false] });
  });

  test('are read in the transaction if usage keeps arriving', async () => {
    const tenantId = await newTenant();
    await state(tenantId, 9, '9');
    const built = await buildWatched(tenantId, async () => {
      await use(tenantId, '0.01');
    });
    expect(built).toEqual({ outcome: 'parked', wasOpen: [false, false, true] });
  });
});

test('tenants without totals cost no statement more', async () => {
  const { testDatabase } = world;
  const open = (url: string) => openDatabase({ url, maxConnections: 4, applicationName: 'test' });
  const workerDb = await open(testDatabase.workerUrl);
  const countFor = async (controlTotals: 'park' | 'off', tenantId: string) => {
    let statements = 0;
    const db = interceptQueries(workerDb, (query) => {
      statements += 1;
      return query;
    });
    const activities = createActivities({ ...ACTIVITY_DEPS, db, bounds: NO_BOUNDS, controlTotals });
    const [result] = await buildInvoices({ activities }, [tenantId]);
    expect(result).toMatchObject({ outcome: 'rolled' });
    return statements;
  };
  try {
    const tenants = [await newTenant(), await newTenant(), await newTenant()] as const;
    for (const tenantId of tenants) await use(tenantId, '3');
    await state(tenants[2], 1, '3');
    const off = await countFor('off', tenants[0]);
    expect(await countFor('park', tenants[1])).toBe(off);
    expect(await countFor('park', tenants[2])).toBe(off + 1);
  } finally {
    await workerDb.end();
  }
});
