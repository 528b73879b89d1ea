import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { DEFAULT_BOUNDS, NO_BOUNDS, type Bounds } from '../../src/domain/bounds.ts';
import { sql } from '../../src/db/sql.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { invoicesOf, linesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { LONG_AGO, seedLives } from '../_util/lives.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
});
afterAll(() => world[Symbol.asyncDispose]());

let lastTenant = 0;
async function newTenant(): Promise<string> {
  const tenantId = `tenant-${(lastTenant += 1)}`;
  await seedTenant(world.db, tenantId, [
    {
      deploymentId: `${tenantId}-a`,
      addons: [{ code: 'gb', resourceKind: 'spaces_gb_month', qty: '50', priceCents: 750 }],
    },
    { deploymentId: `${tenantId}-b` },
  ]);
  return tenantId;
}
const use = (tenantId: string, kind: string, amount: string, month = MONTH) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });

async function preview(
  tenantIds: readonly string[] | null,
  bounds: Bounds = DEFAULT_BOUNDS,
): Promise<readonly TenantPreview[]> {
  const previews: TenantPreview[] = [];
  const onTenant = (found: TenantPreview) => previews.push(found);
  await previewMonth(world.db, MONTH, { tenantIds, bounds, onTenant });
  return previews;
}

/** Previewed and issued lines in the same form. */
function linesIn({ preview: found }: TenantPreview) {
  if (found.parked !== null) throw new Error(found.parked.reason);
  return found.lines.map(({ lineNo, deploymentId, kind, qty, amountCents, meta }) => ({
    lineNo,
    deploymentId,
    kind,
    qty,
    amountCents,
    meta,
  }));
}
async function issuedLines(tenantId: string) {
  const live = (await invoicesOf(world.db, tenantId)).find(({ status }) => status === 'issued');
  const lines = await linesOf(world.db, live!.invoiceId);
  return lines.map(({ lineNo, deploymentId, kind, qty, amountCents, meta }) => ({
    lineNo,
    deploymentId,
    kind,
    qty,
    amountCents,
    meta,
  }));
}

/** As of the start of the month. */
async function endSubscriptions(tenantId: string): Promise<void> {
  await world.db.query(sql.typeAlias('nothing')`
    UPDATE subscriptions SET ends_at = ${`${MONTH}-01T00:00:00Z`} WHERE tenant_id = ${tenantId}`);
}

/** All stored data, to show that nothing was written. */
function snapshot(): Promise<string> {
  return world.db.oneFirst(sql.type(z.object({ all: z.string() }))`
    SELECT jsonb_build_array(
      (SELECT jsonb_agg(to_jsonb(x) ORDER BY bucket_id) FROM usage_buckets x),
      (SELECT jsonb_agg(to_jsonb(x) ORDER BY draft_id) FROM invoice_drafts x),
      (SELECT jsonb_agg(to_jsonb(x) ORDER BY invoice_id) FROM invoices x),
      (SELECT jsonb_agg(to_jsonb(x) ORDER BY tenant_id) FROM tenants x),
      (SELECT jsonb_agg(to_jsonb(x) ORDER BY exclusion_id) FROM usage_exclusions x),
      (SELECT jsonb_agg(to_jsonb(x) ORDER BY tenant_id) FROM tenant_outcomes x)
    )::text AS all`);
}

describe('the preview of a month', () => {
  test('matches what the month end issues, line by line', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '10.5');
    await use(tenantId, 'llm_usage', '3.25', '2026-03');
    await use(tenantId, 'spaces_gb_month', '210.125');
    const event = await use(tenantId, 'llm_usage', '100');
    await excludeEvent(world.db, { source: 'llm', eventId: event, actor: 'a', reason: 'r' });
    // An interrupted run has sealed some of it; the next run takes over.
    await buildInvoices(world, [tenantId], { stopAfter: 'quoteSubscriptions' });
    await use(tenantId, 'llm_tokens', '1000001');

    const [found] = await preview([tenantId]);
    expect(found?.standing).toBeNull();
    await buildInvoices(world, [tenantId]);

    expect(linesIn(found!)).toEqual(await issuedLines(tenantId));
    expect(linesIn(found!).map(({ kind }) => kind)).toEqual([
      'plan_base',
      'addon',
      'overage',
      'overage',
      'llm_usage',
      'llm_usage',
      'plan_base',
      'tax',
    ]);
  });

  test('matches what a forced rerun issues, with the difference to the live invoice', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '10.5');
    await buildInvoices(world, [tenantId]);
    await use(tenantId, 'llm_usage', '20');
    await use(tenantId, 'llm_usage', '7', '2026-04');

    const [found] = await preview([tenantId]);
    expect(found?.standing?.changes.map(({ change, after }) => [change, after?.kind])).toEqual([
      ['changed', 'llm_usage'],
      ['changed', 'tax'],
    ]);
    await forceInvoices(world, [tenantId]);

    expect(linesIn(found!)).toEqual(await issuedLines(tenantId));
    const [again] = await preview([tenantId]);
    expect(again?.standing?.changes).toEqual([]);
  });

  test('of a tenant whose subscription is gone is a revision without its charges', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '5000');
    await buildInvoices(world, [tenantId]);
    await endSubscriptions(tenantId);

    const [found] = await preview([tenantId]);
    expect(found).toMatchObject({
      preview: { parked: null, totalCents: 5_500 },
      standing: { number: `${tenantId}-000001`, totalCents: 17_325 },
    });
    await forceInvoices(world, [tenantId]);
    expect(linesIn(found!)).toEqual(await issuedLines(tenantId));
  });

  test('names the tenants that would be parked, with the reason', async () => {
    const tenantId = `planless-${(lastTenant += 1)}`;
    await seedTenant(world.db, tenantId, [{ deploymentId: `${tenantId}-a`, planVersionId: null }]);
    const large = await newTenant();
    await buildInvoices(world, [large], { month: '2026-04' });
    await use(large, 'llm_usage', '999999');

    expect(await preview([tenantId])).toMatchObject([
      { preview: { parked: { type: 'missing_plan_version' } } },
    ]);
    expect(await preview([large])).toMatchObject([
      {
        preview: { parked: { type: 'out_of_bounds' } },
        last: { number: `${large}-000001` },
      },
    ]);
    expect(await preview([large], NO_BOUNDS)).toMatchObject([{ preview: { parked: null } }]);
  });

  test.each([
    // The month, the subscription, LLM usage before GST in April and in May, and whether May parks.
    ['leaves', LONG_AGO, '2026-05-20', 100_000, 0, false],
    ['leaves', LONG_AGO, '2026-05-20', 2_000, 200_000, true],
    ['leaves at the end of April', LONG_AGO, '2026-05-01', 100_000, 1_000, false],
    ['leaves in April', LONG_AGO, '2026-04-20', 2_000, 100_000, false],
    ['leaves at the end of May', LONG_AGO, '2026-06-01', 100_000, 0, true],
    ['joins in April', '2026-04-20', null, 2_000, 200_000, false],
    ['joins in April', '2026-04-20', null, 2_000, 1_000_000, true],
    ['joins in April', '2026-04-20', null, 100_000, 0, true],
    ['joins in April and leaves', '2026-04-20', '2026-05-20', 100_000, 0, false],
    ['joins and leaves in April', '2026-04-10', '2026-04-20', 2_000, 200_000, false],
    ['joins at the start of April', '2026-04-01', null, 2_000, 200_000, true],
    ['left long ago', LONG_AGO, '2026-01-01', 2_000, 200_000, true],
    ['left long ago', LONG_AGO, '2026-01-01', 200_000, 2_000, true],
  ])(
    'parks as the month end does: a tenant that %s (%s to %s), %i cents and then %i: %s',
    async (_name, startsAt, endsAt, april, may, isParked) => {
      const tenantId = `bounds-${(lastTenant += 1)}`;
      const life = { id: `${tenantId}-s`, plan: 'studio-v1', startsAt, endsAt };
      await seedLives(world.db, tenantId, `${tenantId}-a`, [life]);
      if (april > 0) await use(tenantId, 'llm_usage', String(april), '2026-04');
      expect(await buildInvoices(world, [tenantId], { month: '2026-04' })).toMatchObject([
        { outcome: 'rolled' },
      ]);
      if (may > 0) await use(tenantId, 'llm_usage', String(may));

      const parked = isParked ? { type: 'out_of_bounds' } : null;
      expect(await preview([tenantId])).toMatchObject([{ preview: { parked } }]);
      expect(await buildInvoices(world, [tenantId])).toMatchObject([
        isParked ? { outcome: 'parked', failure: parked } : { outcome: 'rolled' },
      ]);
    },
  );

  test('writes nothing, even for all tenants', async () => {
    await use(await newTenant(), 'llm_usage', '1');
    const before = await snapshot();
    const previews = await preview(null);
    expect(previews.length).toBe(lastTenant);
    expect(previews.map(({ tenantId }) => tenantId)).toEqual(
      previews.map(({ tenantId }) => tenantId).toSorted(),
    );
    expect(await snapshot()).toBe(before);
  });
});
