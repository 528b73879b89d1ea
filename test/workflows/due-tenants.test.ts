import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { listLateUsage } from '../../src/audit/late-usage.ts';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { verifyMonth } from '../../src/audit/verify.ts';
import { readMonthEndStatus } from '../../src/db/month-end/month-end-status.ts';
import { listOutcomes } from '../../src/db/month-end/outcome-views.ts';
import { sql } from '../../src/db/sql.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { seedPlan } from '../_util/lives.ts';
import { expectSoundBooks, invoicesOf, linesOf, outcomesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { closed, createWorld, type World } from '../_util/world.ts';

/** Tenants that left, that never had a subscription, or that have nothing to bill. docs/spec.md#month-end */

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  const hours = { resourceKind: 'droplet_hours', includedQty: '0', overageUnit: 'hour' };
  await seedPlan(world.db, 'flat', {
    proration: 'none',
    basePriceCents: 5000,
    items: [{ ...hours, overagePriceCents: 2 }],
  });
  const leavesOnThe30th = { endsAt: `${MONTH}-30T00:00:00Z` };
  const flat = { ...leavesOnThe30th, planVersionId: 'flat-v1' };
  await seedTenant(world.db, 'daily', [{ deploymentId: 'daily-a', ...leavesOnThe30th }]);
  await seedTenant(world.db, 'flat', [{ deploymentId: 'flat-a', ...flat }]);
  await seedTenant(world.db, 'quiet', [{ deploymentId: 'quiet-a', ...flat }]);
  await seedTenant(world.db, 'unpriced', [{ deploymentId: 'unpriced-a', ...flat }]);
  for (const tenantId of ['llm', 'earlier', 'metered']) await seedWithoutSubscription(tenantId);
  await use('flat', 'droplet_hours', '100');
  await use('unpriced', 'gpu_hours', '7');
  await use('llm', 'llm_usage', '100');
  await use('earlier', 'llm_usage', '100', '2026-03');
  await use('metered', 'droplet_hours', '10');
  await world.startWorker();
});
afterAll(async () => {
  const { checks } = await verifyMonth(world.db, MONTH);
  expect(checks.filter(({ problems }) => problems > 0)).toEqual([]);
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

async function seedWithoutSubscription(tenantId: string): Promise<void> {
  await seedTenant(world.db, tenantId, []);
  await world.db.query(sql.typeAlias('nothing')`
    INSERT INTO deployments (deployment_id, tenant_id) VALUES (${`${tenantId}-a`}, ${tenantId})`);
}
const use = (tenantId: string, kind: string, amount: string, month = MONTH) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });

async function run(requestId: string, month = MONTH, tenantIds?: readonly string[]) {
  const force = tenantIds === undefined ? {} : { reason: 'a test', force: { tenantIds } };
  await requestMonthEnd(world.client, { month, requestId, actor: 'test', ...force });
  return closed(world, month);
}
/** The description and amount of each line of a tenant's latest invoice. */
async function latest(tenantId: string) {
  const invoice = (await invoicesOf(world.db, tenantId)).at(-1);
  if (!invoice) return null;
  const lines = await linesOf(world.db, invoice.invoiceId);
  const { revision, totalCents } = invoice;
  return { revision, totalCents, lines: lines.map((line) => [line.description, line.amountCents]) };
}

const BILLED = {
  // 29 of 31 days.
  daily: {
    totalCents: 5145,
    lines: [
      ['Plan base', 4677],
      ['GST (10%)', 468],
    ],
  },
  flat: {
    totalCents: 220,
    lines: [
      ['droplet_hours overage', 200],
      ['GST (10%)', 20],
    ],
  },
  llm: {
    totalCents: 110,
    lines: [
      ['LLM usage', 100],
      ['GST (10%)', 10],
    ],
  },
  earlier: {
    totalCents: 110,
    lines: [
      ['LLM usage, late for 2026-03', 100],
      ['GST (10%)', 10],
    ],
  },
  unpriced: { totalCents: 0, lines: [] },
} as const;
const TENANTS = Object.keys(BILLED) as (keyof typeof BILLED)[];

describe('a month', () => {
  test('previews what it then issues', async () => {
    const previews: TenantPreview[] = [];
    await previewMonth(world.db, MONTH, {
      bounds: NO_BOUNDS,
      tenantIds: null,
      onTenant: (preview) => previews.push(preview),
    });
    const totals = previews.map(({ tenantId, preview }) => [
      tenantId,
      preview.parked === null && (preview.nothingToBill ? null : preview.totalCents),
    ]);
    expect(Object.fromEntries(totals)).toEqual({
      daily: 5145,
      earlier: 110,
      flat: 220,
      llm: 110,
      quiet: null,
      unpriced: 0,
    });
  });

  test('bills each due tenant, and lists usage that no subscription prices', async () => {
    const { totals } = await run('first');
    expect(totals).toEqual({
      rolled: 5,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 1,
      parked: 0,
    });
    for (const tenantId of TENANTS) {
      expect(await latest(tenantId)).toEqual({ revision: 1, ...BILLED[tenantId] });
    }
    expect(await latest('quiet')).toBe(null);
    expect(await latest('metered')).toBe(null);
    expect(
      (await outcomesOf(world.db, MONTH)).filter(({ tenantId }) => tenantId === 'quiet'),
    ).toEqual([
      {
        tenantId: 'quiet',
        outcome: 'nothing_to_bill',
        invoiceId: null,
        reasonType: null,
        reason: null,
      },
    ]);

    const status = await readMonthEndStatus(world.db, MONTH);
    expect(status).toMatchObject({ due_tenants: 6, not_looked_at: 0, balanced: true, to_do: [] });
    // Closing invoices count as any other.
    expect(status.totals).toMatchObject([{ currency: 'AUD', invoices: 5, total_cents: '5585' }]);
    const late = await listLateUsage(world.db, MONTH, { bounds: NO_BOUNDS });
    expect(late.map(({ tenant_id, reason }) => [tenant_id, reason])).toEqual([
      ['metered', 'tenant_not_due'],
      ['unpriced', 'unpriced_kind'],
    ]);
  });

  test('tries a tenant with nothing to bill again, and skips the others', async () => {
    expect((await run('second')).totals).toMatchObject({ skipped: 5, nothing_to_bill: 1 });
  });

  test('can be forced for each of them', async () => {
    const tenantIds = [...TENANTS, 'quiet', 'metered'];
    const { totals, refusals } = await run('force', MONTH, tenantIds);
    expect(totals).toMatchObject({ rolled: 5, adjusted: 0, nothing_to_bill: 1, parked: 0 });
    for (const tenantId of TENANTS) {
      expect(await latest(tenantId)).toEqual({ revision: 2, ...BILLED[tenantId] });
    }
    expect(refusals.map(({ reason }) => reason)).toEqual([
      'tenant metered is not due for 2026-05: none of its subscriptions touches the month, and it has ' +
        'neither an invoice for it nor unbilled LLM usage or invoice items',
    ]);
    const outcomes = await world.db.any(
      sql.type(
        z.object({ tenant_id: z.string(), outcome: z.string().nullable() }),
      )`SELECT tenant_id, outcome FROM month_end_request_tenants ORDER BY tenant_id`,
    );
    expect(
      Object.fromEntries(outcomes.map(({ tenant_id, outcome }) => [tenant_id, outcome])),
    ).toEqual({
      ...Object.fromEntries(TENANTS.map((tenantId) => [tenantId, 'rolled'])),
      quiet: 'nothing_to_bill',
      metered: 'refused',
    });
  });
});

test('usage that arrives after there was nothing to bill is work to do until the next run', async () => {
  await use('quiet', 'droplet_hours', '100');
  expect(await readMonthEndStatus(world.db, MONTH)).toMatchObject({
    due_tenants: 6,
    outcomes: { nothing_to_bill: 0 },
    not_looked_at: 1,
    balanced: true,
    to_do: [`1 due tenant has no outcome yet: run ${MONTH} again (month-end start ${MONTH})`],
    to_invoice: [{ tenant_id: 'quiet' }],
  });
  const [listed] = await listOutcomes(world.db, MONTH, { after: 'llm', limit: 1 });
  expect(listed).toMatchObject({ tenant_id: 'quiet', outcome: null });

  expect((await run('third')).totals).toMatchObject({
    rolled: 1,
    adjusted: 0,
    skipped: 5,
    nothing_to_bill: 0,
  });
  expect(await latest('quiet')).toEqual({ revision: 1, ...BILLED.flat });
  expect(await readMonthEndStatus(world.db, MONTH)).toMatchObject({
    not_looked_at: 0,
    to_do: [],
    to_invoice: [],
  });
});

test('usage after the last invoice of a tenant that left is billed by the next month', async () => {
  await use('flat', 'llm_usage', '300');
  const late = await listLateUsage(world.db, MONTH, { bounds: NO_BOUNDS });
  expect(late.filter(({ tenant_id }) => tenant_id === 'flat')).toMatchObject([
    { reason: 'next_invoice', action: 'none', would_add_cents: 330 },
  ]);

  expect((await run('june', '2026-06')).totals).toMatchObject({
    rolled: 1,
    adjusted: 0,
    nothing_to_bill: 0,
  });
  expect(await latest('flat')).toEqual({
    revision: 1,
    totalCents: 330,
    lines: [
      [`LLM usage, late for ${MONTH}`, 300],
      ['GST (10%)', 30],
    ],
  });
});
