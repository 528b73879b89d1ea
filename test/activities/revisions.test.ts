import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { listLateUsage } from '../../src/audit/late-usage.ts';
import { verifyMonth } from '../../src/audit/verify.ts';
import { readControlTotals } from '../../src/db/month-end/read-control-totals.ts';
import { readDifference } from '../../src/db/invoices/invoice-difference.ts';
import { listOutcomes } from '../../src/db/month-end/outcome-views.ts';
import { listUsagePlaces } from '../../src/db/month-end/usage-places.ts';
import { readMonthFacts } from '../../src/db/month-end/watchdog-facts.ts';
import { findImbalances } from '../../src/domain/control-totals.ts';
import { seedPlan } from '../_util/lives.ts';
import { periodOf } from '../_util/utc.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import {
  expectSoundBooks,
  invoicesOf,
  outcomesOf,
  expectVerifiedWithoutRun,
} from '../_util/books.ts';
import { buildInvoices, acceptForce, forceInvoices, nextRun } from '../_util/build.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { createWorld, type World } from '../_util/world.ts';
import { ANY_TIME } from '../_util/any-time.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedPlan(world.db, 'free', { proration: 'daily', basePriceCents: 0 });
});
afterAll(async () => {
  // Whatever the tests did to the month, its books add up.
  await expectVerifiedWithoutRun(world.db, MONTH);
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

let lastTenant = 0;
async function newTenant(planVersionId = 'studio-v1'): Promise<string> {
  const tenantId = `tenant-${(lastTenant += 1)}`;
  await seedTenant(world.db, tenantId, [{ deploymentId: `${tenantId}-a`, planVersionId }]);
  return tenantId;
}
const use = (tenantId: string, kind: string, amount: string, month = MONTH) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });

/** All steps of a run for a tenant, including its commit. */
async function buildAs(run: ReturnType<typeof nextRun>, tenantId: string) {
  const { openDrafts, quoteSubscriptions, pullLlmUsage, persistInvoices } = world.activities;
  const { drafts } = await openDrafts({ month: MONTH, tenantIds: [tenantId], ...run });
  const input = { month: MONTH, drafts, owner: run.owner };
  await quoteSubscriptions(input);
  await pullLlmUsage(input);
  return { input, first: await persistInvoices(input) };
}

describe('a forced revision with onlyIfChanged', () => {
  test('skips an invoice that would not change', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '12.5');
    await buildInvoices(world, [tenantId]);
    const before = await invoicesOf(world.db, tenantId);

    const results = await forceInvoices(world, [tenantId], { onlyIfChanged: true });

    expect(results).toMatchObject([{ outcome: 'unchanged', invoiceId: before[0]?.invoiceId }]);
    expect(await invoicesOf(world.db, tenantId)).toEqual(before);
  });

  test('replaces an invoice that would change, and stores the difference', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '12.5');
    await buildInvoices(world, [tenantId]);
    await use(tenantId, 'llm_usage', '100');
    await use(tenantId, 'llm_tokens', '1500000');

    await forceInvoices(world, [tenantId], { onlyIfChanged: true });

    const [first, second] = await invoicesOf(world.db, tenantId);
    expect(first).toMatchObject({ status: 'superseded', supersededBy: second?.invoiceId });
    expect(second).toMatchObject({ status: 'issued', revision: 2, reason: 'a test' });
    expect(await readDifference(world.db, second!.invoiceId)).toMatchObject([
      {
        change: 'added',
        before: null,
        after: { kind: 'overage', resource_kind: 'llm_tokens', qty: '500000' },
        difference_cents: 500,
      },
      {
        change: 'changed',
        before: { kind: 'llm_usage', qty: '1', amount_cents: 13 },
        after: { kind: 'llm_usage', qty: '2', amount_cents: 113 },
        difference_cents: 100,
      },
      { change: 'changed', before: { kind: 'tax' }, after: { kind: 'tax' }, difference_cents: 60 },
    ]);
  });

  test('ties late usage that changes nothing to the invoice, so that it is no longer pending', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'droplet_hours', '10');
    await buildInvoices(world, [tenantId]);
    await use(tenantId, 'droplet_hours', '5');
    await use(tenantId, 'snapshots', '1');

    const results = await forceInvoices(world, [tenantId], { onlyIfChanged: true });

    expect(results).toMatchObject([{ outcome: 'unchanged' }]);
    const { checks } = await verifyMonth(world.db, MONTH);
    expect(checks.filter(({ invariant, problems }) => invariant === 'I2' && problems > 0)).toEqual(
      [],
    );
  });

  test('replaces an unchanged invoice if another request forces it without onlyIfChanged', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await acceptForce(world, { tenantIds: [tenantId], onlyIfChanged: true });

    expect(await forceInvoices(world, [tenantId])).toMatchObject([{ outcome: 'rolled' }]);

    const [, second] = await invoicesOf(world.db, tenantId);
    expect(second).toMatchObject({ revision: 2 });
    expect(await readDifference(world.db, second!.invoiceId)).toEqual([]);
  });

  test('is an outcome of its own wherever outcomes are counted and listed', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    const withoutOutcome = async () =>
      (await readMonthFacts(world.db, MONTH)).find(({ month }) => month === MONTH)?.withoutOutcome;
    const before = await withoutOutcome();

    await forceInvoices(world, [tenantId], { onlyIfChanged: true });

    expect(await withoutOutcome()).toBe(before);
    expect(await listOutcomes(world.db, MONTH, { after: null, limit: 100 })).toContainEqual(
      expect.objectContaining({ tenant_id: tenantId, outcome: 'unchanged' }),
    );
  });

  test('retried by the same run, before and after its commit, returns the same result', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await acceptForce(world, { tenantIds: [tenantId], onlyIfChanged: true });
    const run = nextRun();
    const { input, first } = await buildAs(run, tenantId);
    expect(first.results).toMatchObject([{ outcome: 'unchanged' }]);

    expect(await world.activities.persistInvoices(input)).toEqual(first);
    const again = await world.activities.openDrafts({
      month: MONTH,
      tenantIds: [tenantId],
      ...run,
    });
    expect(again).toEqual({ drafts: [], settled: first.results });
  });

  test('is recorded as unchanged if the run fails after its commit', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await acceptForce(world, { tenantIds: [tenantId], onlyIfChanged: true });
    const run = nextRun();
    await buildAs(run, tenantId);

    const failure = { type: 'timed_out', reason: 'x' };
    const { owner } = run;
    const failed = { month: MONTH, tenantId, owner, failure, upToSeq: 1_000_000_000 };

    expect(await world.activities.recordParked(failed)).toEqual({ outcome: 'unchanged' });
    expect(await outcomesOf(world.db, MONTH)).toContainEqual(
      expect.objectContaining({ tenantId, outcome: 'unchanged', reason: null }),
    );
  });
});

describe('a request that another run serves while one fails', () => {
  test.each([
    ['was overtaken', 'timed_out'],
    ['could not start', 'already_running'],
  ])('is served by the revision if the failed run %s', async (_how, type) => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    const requestId = `once-${type}`;
    const asked = { tenantIds: [tenantId], requestId, onlyIfChanged: true };
    await acceptForce(world, asked);
    const overtaken = nextRun();
    const { openDrafts, recordParked } = world.activities;
    const wasStarted = type === 'timed_out';
    if (wasStarted) await openDrafts({ month: MONTH, tenantIds: [tenantId], ...overtaken });
    const run = nextRun();
    await openDrafts({ month: MONTH, tenantIds: [tenantId], ...run });

    await recordParked({
      month: MONTH,
      tenantId,
      failure: { type, reason: 'x' },
      owner: wasStarted ? overtaken.owner : null,
      upToSeq: 1_000_000_000,
    });

    expect((await buildAs(run, tenantId)).first.results).toMatchObject([{ outcome: 'unchanged' }]);
    // The request was served: repeated, it makes no revision.
    expect(await acceptForce(world, asked)).toMatchObject({ urgentTenantIds: [] });
    await use(tenantId, 'llm_usage', '100');
    expect(await buildInvoices(world, [tenantId])).toMatchObject([{ outcome: 'skipped' }]);
  });
});

describe('an excluded correction of a billed record', () => {
  test('removes the whole record, which the books show and a rerun credits', async () => {
    const tenantId = await newTenant();
    const ingestion = createIngestion({
      db: world.db,
      now: () => new Date(),
      timeBounds: ANY_TIME,
    });
    const record = {
      record_id: `${tenantId}-r1`,
      tenant_id: tenantId,
      deployment_id: `${tenantId}-a`,
      resource_kind: 'droplet_hours',
      qty: '844',
      occurred_at: `${MONTH}-10T00:00:00Z`,
    };
    await ingestion.ingest('metered', [record]);
    await buildInvoices(world, [tenantId]);
    const correction = {
      ...record,
      record_id: `${tenantId}-r2`,
      qty: '44',
      replaces: record.record_id,
    };
    await ingestion.ingest('metered', [correction]);
    await ingestion.close();
    const eventId = correction.record_id;
    await excludeEvent(world.db, { source: 'metered', eventId, actor: 'olga', reason: 'x' });

    const states = ['billed', 'needs_re_run', 'excluded'] as const;
    const places = await listUsagePlaces(world.db, periodOf(MONTH), states, 1_000);
    expect(places.filter(({ tenant_id }) => tenant_id === tenantId)).toMatchObject([
      { state: 'billed', events: '1', total: '844' },
      { state: 'needs_re_run', events: '0', total: '-844' },
      { state: 'excluded', events: '1', total: '44' },
    ]);
    const balance = findImbalances(await readControlTotals(world.db, periodOf(MONTH)));
    expect(balance.filter((sentence) => sentence.startsWith('droplet_hours'))).toEqual([]);
    const late = await listLateUsage(world.db, MONTH, { bounds: NO_BOUNDS });
    expect(late.filter(({ tenant_id }) => tenant_id === tenantId)).toMatchObject([
      { action: 're_run', would_add_cents: -220 },
    ]);

    await forceInvoices(world, [tenantId]);
    expect((await invoicesOf(world.db, tenantId)).at(-1)).toMatchObject({ subtotalCents: 5000 });
  });
});

describe('safety bounds', () => {
  test('park an invoice above ten times the previous total until it is accepted', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId], { month: '2026-04' });
    // 55.00 with GST; ten times that is 550.00, and 450.00 more before GST is too much by a cent.
    await use(tenantId, 'llm_usage', '45001');

    const [parked] = await buildInvoices(world, [tenantId]);

    expect(parked).toMatchObject({ outcome: 'parked', failure: { type: 'out_of_bounds' } });
    expect(parked).toMatchObject({
      failure: { reason: expect.stringContaining(`${tenantId}-000001`) },
    });
    expect(await buildInvoices(world, [tenantId])).toMatchObject([{ outcome: 'parked' }]);
    expect(await forceInvoices(world, [tenantId])).toMatchObject([{ outcome: 'parked' }]);

    expect(
      await forceInvoices(world, [tenantId], { acceptBounds: true, reason: 'a big launch' }),
    ).toMatchObject([{ outcome: 'rolled' }]);
    expect((await invoicesOf(world.db, tenantId)).at(-1)).toMatchObject({
      subtotalCents: 50_001,
      reason: 'a big launch',
      actor: 'temporal:unnamed',
    });
  });

  test('accept exactly ten times the previous total', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId], { month: '2026-04' });
    await use(tenantId, 'llm_usage', '45000');

    expect(await buildInvoices(world, [tenantId])).toMatchObject([{ outcome: 'rolled' }]);
  });

  const PARKED = [{ outcome: 'parked', failure: { type: 'out_of_bounds' } }];
  const accept = (tenantId: string) =>
    forceInvoices(world, [tenantId], { acceptBounds: true, reason: 'checked' });

  test('park a first invoice above the limit until it is accepted', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '98765400');
    expect(await buildInvoices(world, [tenantId])).toMatchObject(PARKED);
    expect(await forceInvoices(world, [tenantId])).toMatchObject(PARKED);
    expect(await invoicesOf(world.db, tenantId)).toEqual([]);

    expect(await accept(tenantId)).toMatchObject([{ outcome: 'rolled' }]);
    expect(await invoicesOf(world.db, tenantId)).toMatchObject([{ subtotalCents: 98_770_400 }]);
  });

  test('park an invoice below a tenth of the previous total until it is accepted', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '95000', '2026-04');
    await buildInvoices(world, [tenantId], { month: '2026-04' });
    // 1,100.00 before; now the base of 50.00 alone, 55.00 with GST.
    expect(await buildInvoices(world, [tenantId])).toMatchObject(PARKED);
    expect(await accept(tenantId)).toMatchObject([{ outcome: 'rolled' }]);
  });

  test('compare a revision with the invoice that it replaces, up and down', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    const much = await use(tenantId, 'llm_usage', '99999');
    expect(await forceInvoices(world, [tenantId])).toMatchObject(PARKED);
    expect(await invoicesOf(world.db, tenantId)).toMatchObject([{ status: 'issued' }]);
    expect(await accept(tenantId)).toMatchObject([{ outcome: 'rolled' }]);

    const exclusion = {
      source: 'llm',
      eventId: much,
      actor: 'test',
      reason: 'sent twice',
    } as const;
    await excludeEvent(world.db, exclusion);
    expect(await forceInvoices(world, [tenantId])).toMatchObject(PARKED);
    expect(await accept(tenantId)).toMatchObject([{ outcome: 'rolled' }]);
    expect((await invoicesOf(world.db, tenantId)).map(({ status }) => status)).toEqual([
      'superseded',
      'superseded',
      'issued',
    ]);
  });

  test('do not apply to tiny totals', async () => {
    const tenantId = await newTenant('free-v1');
    await use(tenantId, 'llm_usage', '1', '2026-04');
    await use(tenantId, 'llm_usage', '12');
    for (const month of ['2026-04', MONTH]) {
      expect(await buildInvoices(world, [tenantId], { month })).toMatchObject([
        { outcome: 'rolled' },
      ]);
    }
  });

  test('can be accepted for named tenants only', async () => {
    expect(await acceptForce(world, { all: true, acceptBounds: true })).toMatchObject({
      accepted: false,
      reason: expect.stringContaining('by name'),
    });
  });
});
