import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { previewMonth } from '../../src/audit/preview.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { sql } from '../../src/db/sql.ts';
import { findPlanVersions } from '../../src/db/catalogue/catalogue.ts';
import { readDifference } from '../../src/db/invoices/invoice-difference.ts';
import { quote } from '../../src/domain/quote.ts';
import { expectSoundBooks, invoicesOf, linesOf, expectVerifiedWithoutRun } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { endLife, LONG_AGO, seedLives, seedPlan, type Life } from '../_util/lives.ts';
import { MONTH, seedUsage } from '../_util/seed.ts';

/** Months in which subscriptions start, end and change, on the real PostgreSQL (docs/spec.md#a-real-month). */

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld({ bounds: NO_BOUNDS });
  const hours = { resourceKind: 'hours', overageUnit: 'hour' };
  await seedPlan(world.db, 'small', {
    proration: 'daily',
    basePriceCents: 3100,
    items: [{ ...hours, includedQty: '310', overagePriceCents: 10, hardCapQty: '620' }],
  });
  await seedPlan(world.db, 'large', {
    proration: 'daily',
    basePriceCents: 6200,
    items: [
      { ...hours, includedQty: '620', overagePriceCents: 5 },
      { resourceKind: 'snapshots', includedQty: '0', overagePriceCents: null },
    ],
  });
  await seedPlan(world.db, 'flat', {
    proration: 'none',
    basePriceCents: 2000,
    items: [{ ...hours, includedQty: '100', overagePriceCents: 20 }],
  });
  await seedPlan(world.db, 'flat-large', {
    proration: 'none',
    basePriceCents: 4000,
    items: [{ ...hours, includedQty: '200', overagePriceCents: 30 }],
  });
});
afterAll(async () => {
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

const day = (date: string, time = '00:00:00') => `${MONTH}-${date}T${time}Z`;
let last = 0;

/** A tenant with one deployment and these subscriptions. */
async function newTenant(lives: readonly Omit<Life, 'id'>[]): Promise<string> {
  const tenantId = `t${(last += 1)}`;
  await seedLives(
    world.db,
    tenantId,
    `${tenantId}-a`,
    lives.map((life, n) => ({ ...life, id: `${tenantId}-s${n}` })),
  );
  return tenantId;
}
const use = (tenantId: string, kind: string, amount: string) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount });

/** Builds the tenant's invoice, which equals its preview and can be verified. */
async function bill(tenantId: string, build = buildInvoices) {
  const previewed = await previewOf(tenantId);
  const results = await build(world, [tenantId]);
  expect(results).toMatchObject([{ outcome: 'rolled' }]);
  const lines = await liveLines(tenantId);
  expect(previewed).toEqual(lines);
  await expectVerifiedWithoutRun(world.db, MONTH);
  return lines;
}

async function liveLines(tenantId: string) {
  const live = (await invoicesOf(world.db, tenantId)).find(({ status }) => status !== 'superseded');
  return (await linesOf(world.db, live?.invoiceId ?? '')).map(toText);
}

async function previewOf(tenantId: string) {
  let lines: readonly string[] = [];
  await previewMonth(world.db, MONTH, {
    bounds: NO_BOUNDS,
    tenantIds: [tenantId],
    onTenant: ({ preview }) => {
      if (preview.parked === null) lines = preview.lines.map(toText);
    },
  });
  return lines;
}

/** `kind qty amount fraction`, such as `plan_base 1 1200 12/31`. */
function toText(line: { kind: string; qty: string; amountCents: number; meta: object }): string {
  const fraction = (line.meta as { proration_fraction?: string }).proration_fraction ?? '';
  return `${line.kind} ${line.qty} ${line.amountCents} ${fraction}`.trim();
}

describe('a subscription that starts within the month', () => {
  test.each(['small', 'flat'])('on %s is billed as its quote says', async (plan) => {
    const addon = { code: 'more', resourceKind: 'hours', qty: '31', priceCents: 775 };
    const startsAt = day('20', '15:30:00');
    const tenantId = await newTenant([{ plan: `${plan}-v1`, startsAt, addons: [addon] }]);
    const [planVersion] = await findPlanVersions(world.db, [`${plan}-v1`]);
    const { firstInvoice } = quote(planVersion!, [addon], { usage: null, startsOn: `${MONTH}-20` });

    const lines = await bill(tenantId);

    expect(lines.slice(0, 2)).toEqual(firstInvoice.lines.map(toText));
    expect(lines).toEqual(
      plan === 'small'
        ? ['plan_base 1 1200 12/31', 'addon 1 300 12/31', 'tax 1 150']
        : ['plan_base 1 2000', 'addon 1 775', 'tax 1 278'],
    );
  });

  test('has the included quantity of its days', async () => {
    const tenantId = await newTenant([{ plan: 'small-v1', startsAt: day('20') }]);
    await use(tenantId, 'hours', '130');
    expect(await bill(tenantId)).toEqual(['plan_base 1 1200 12/31', 'overage 10 100', 'tax 1 130']);
  });
});

describe('a subscription that ends within the month', () => {
  test('on a daily plan pays for its days and its usage', async () => {
    const tenantId = await newTenant([{ plan: 'small-v1', endsAt: day('11') }]);
    await use(tenantId, 'hours', '150');
    await use(tenantId, 'llm_usage', '20');
    expect(await bill(tenantId)).toEqual([
      'plan_base 1 1000 10/31',
      'overage 50 500',
      'llm_usage 1 20',
      'tax 1 152',
    ]);
  });

  test('on a plan without proration pays for its usage alone', async () => {
    const tenantId = await newTenant([{ plan: 'flat-v1', endsAt: day('31', '23:59:59') }]);
    await use(tenantId, 'hours', '150');
    expect(await bill(tenantId)).toEqual(['overage 50 1000', 'tax 1 100']);
  });

  test('at the last instant of the month pays for all of it', async () => {
    const tenantId = await newTenant([{ plan: 'flat-v1', endsAt: '2026-06-01T00:00:00Z' }]);
    expect(await bill(tenantId)).toEqual(['plan_base 1 2000', 'tax 1 200']);
  });
});

describe('a change of plan', () => {
  const change = (from: string, to: string) =>
    newTenant([
      { plan: `${from}-v1`, endsAt: day('11', '10:00:00') },
      { plan: `${to}-v1`, startsAt: day('11', '10:00:00') },
    ]);

  test('between daily plans bills each by its days; what is included adds up, the last plan prices', async () => {
    const tenantId = await change('small', 'large');
    await use(tenantId, 'hours', '530');
    expect(await bill(tenantId)).toEqual([
      'plan_base 1 1000 10/31',
      'plan_base 1 4200 21/31',
      // 100 of small and 420 of large are included.
      'overage 10 50',
      'tax 1 525',
    ]);
  });

  test('from a daily plan to one without proration bills both by days', async () => {
    const tenantId = await change('small', 'flat');
    expect(await bill(tenantId)).toEqual([
      'plan_base 1 1000 10/31',
      'plan_base 1 1355 21/31',
      'tax 1 236',
    ]);
  });

  test('between plans without proration bills the last one alone, in full', async () => {
    const tenantId = await change('flat', 'flat-large');
    await use(tenantId, 'hours', '201');
    expect(await bill(tenantId)).toEqual(['plan_base 1 4000', 'overage 1 30', 'tax 1 403']);
  });

  test('several times on one day bills the day once', async () => {
    const tenantId = await newTenant([
      { plan: 'small-v1', endsAt: day('11', '09:00:00') },
      { plan: 'large-v1', startsAt: day('11', '09:00:00'), endsAt: day('11', '10:00:00') },
      { plan: 'flat-v1', startsAt: day('11', '10:00:00'), endsAt: day('11', '11:00:00') },
      { plan: 'small-v1', startsAt: day('11', '11:00:00') },
    ]);
    expect(await bill(tenantId)).toEqual([
      'plan_base 1 1000 10/31',
      'plan_base 1 2100 21/31',
      'tax 1 310',
    ]);
  });

  test('ten thousand times in a month works, in one invoice with the deployments around it', async () => {
    const tenantId = await newTenant([{ plan: 'small-v1' }]);
    await seedLives(world.db, tenantId, `${tenantId}-z`, [
      { id: `${tenantId}-z0`, plan: 'flat-v1' },
    ]);
    await seedLives(world.db, tenantId, `${tenantId}-m`, []);
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO subscriptions
        (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at, ends_at)
      SELECT ${tenantId} || '-m' || n, ${tenantId}, ${`${tenantId}-m`}, 'small-v1',
        ${day('01')}::timestamptz + n * interval '4 minutes',
        ${day('01')}::timestamptz + (n + 1) * interval '4 minutes'
      FROM generate_series(0, 9999) n`);
    const lines = await bill(tenantId);
    // 27 days and 18 hours: the last day ends without it.
    expect(lines.filter((line) => line === 'plan_base 1 100 1/31')).toHaveLength(27);
    expect(lines).toHaveLength(30);
  });
});

describe('an addon', () => {
  const addon = { code: 'more', resourceKind: 'hours', qty: '62', priceCents: 620 };
  const attached = (plan: string, span: { startsAt?: string; endsAt?: string | null }) =>
    newTenant([{ plan: `${plan}-v1`, startsAt: LONG_AGO, addons: [{ ...addon, ...span }] }]);

  test('attached within the month is billed from that day on', async () => {
    const tenantId = await attached('small', { startsAt: day('22') });
    await use(tenantId, 'hours', '331');
    expect(await bill(tenantId)).toEqual([
      'plan_base 1 3100',
      'addon 1 200 10/31',
      'overage 1 10',
      'tax 1 331',
    ]);
  });

  test('detached within the month is billed for its days', async () => {
    const tenantId = await attached('small', { endsAt: day('06') });
    expect(await bill(tenantId)).toEqual(['plan_base 1 3100', 'addon 1 100 5/31', 'tax 1 320']);
  });

  test('of a plan without proration is billed in full if it is attached at the end', async () => {
    const detached = await attached('flat', { endsAt: day('30') });
    expect(await bill(detached)).toEqual(['plan_base 1 2000', 'tax 1 200']);
    const tenantId = await attached('flat', { startsAt: day('31', '12:00:00') });
    await use(tenantId, 'hours', '163');
    expect(await bill(tenantId)).toEqual([
      'plan_base 1 2000',
      'addon 1 620',
      'overage 1 20',
      'tax 1 264',
    ]);
  });
});

test('usage has the place that the last plan gives it', async () => {
  const tenantId = await newTenant([
    { plan: 'large-v1', endsAt: day('11') },
    { plan: 'flat-v1', startsAt: day('11'), endsAt: day('21') },
  ]);
  await seedLives(world.db, tenantId, `${tenantId}-old`, [
    { id: `${tenantId}-old`, plan: 'small-v1', endsAt: day('01') },
  ]);
  await use(tenantId, 'hours', '900');
  await use(tenantId, 'snapshots', '3');
  await seedUsage(world.db, {
    tenantId,
    deploymentId: `${tenantId}-old`,
    kind: 'hours',
    amount: '5',
  });
  await bill(tenantId);
  const places = await world.db.any(sql.type(
    z.object({ kind: z.string(), disposition: z.string(), subscription: z.string().nullable() }),
  )`
    SELECT b.resource_kind AS kind, u.disposition, l.subscription_id AS subscription
    FROM invoice_usage u JOIN usage_buckets b USING (bucket_id)
    LEFT JOIN invoice_lines l USING (invoice_id, line_no)
    WHERE b.tenant_id = ${tenantId} ORDER BY b.deployment_id, 1`);
  expect(places).toEqual([
    { kind: 'hours', disposition: 'billed', subscription: `${tenantId}-s1` },
    { kind: 'snapshots', disposition: 'unpriced_kind', subscription: null },
    { kind: 'hours', disposition: 'no_subscription', subscription: null },
  ]);
});

describe('after the subscriptions of an invoiced month have changed', () => {
  test('verification holds, and a rerun bills what is now true', async () => {
    const tenantId = await newTenant([{ plan: 'small-v1' }]);
    await use(tenantId, 'hours', '400');
    const before = await bill(tenantId);
    await endLife(world.db, `${tenantId}-s0`, day('21'));
    await seedLives(world.db, tenantId, `${tenantId}-a`, [
      { id: `${tenantId}-late`, plan: 'large-v1', startsAt: day('21') },
    ]);
    await expectVerifiedWithoutRun(world.db, MONTH);
    expect(await liveLines(tenantId)).toEqual(before);

    expect(await bill(tenantId, forceInvoices)).toEqual([
      'plan_base 1 2000 20/31',
      'plan_base 1 2200 11/31',
      'tax 1 420',
    ]);
    const [, revision] = await invoicesOf(world.db, tenantId);
    const changes = await readDifference(world.db, revision!.invoiceId);
    expect(
      changes.map(({ change, difference_cents: cents, before: old, after }) => [
        change,
        (after ?? old)?.kind,
        cents,
      ]),
    ).toEqual([
      ['changed', 'plan_base', -1100],
      ['added', 'plan_base', 2200],
      ['changed', 'tax', 20],
      ['removed', 'overage', -900],
    ]);
  });

  test('a subscription that turns out never to have been there leaves a revision without charges', async () => {
    const tenantId = await newTenant([{ plan: 'small-v1', startsAt: day('20') }]);
    await bill(tenantId);
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE subscriptions SET starts_at = '2026-06-01' WHERE tenant_id = ${tenantId}`);
    expect(await bill(tenantId, forceInvoices)).toEqual([]);
    expect((await invoicesOf(world.db, tenantId)).at(-1)).toMatchObject({ totalCents: 0 });
  });

  test('onlyIfChanged keeps an invoice whose lines are the same', async () => {
    const tenantId = await newTenant([{ plan: 'flat-v1', startsAt: day('20') }]);
    await bill(tenantId);
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE subscriptions SET starts_at = ${day('10')} WHERE tenant_id = ${tenantId}`);
    const results = await forceInvoices(world, [tenantId], { onlyIfChanged: true });
    expect(results).toMatchObject([{ outcome: 'unchanged' }]);
    await expectVerifiedWithoutRun(world.db, MONTH);
  });

  test('onlyIfChanged takes late usage into a revision if only the new subscriptions explain it', async () => {
    const tenantId = await newTenant([{ plan: 'flat-v1', endsAt: day('22') }]);
    await use(tenantId, 'llm_usage', '100');
    await use(tenantId, 'hours', '90');
    await bill(tenantId);
    // It has no recurring line, so nothing shows the new plan, which includes more.
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE subscriptions SET plan_version_id = 'flat-large-v1' WHERE tenant_id = ${tenantId}`);
    expect(await forceInvoices(world, [tenantId], { onlyIfChanged: true })).toMatchObject([
      { outcome: 'unchanged' },
    ]);
    await use(tenantId, 'hours', '60');
    expect(await forceInvoices(world, [tenantId], { onlyIfChanged: true })).toMatchObject([
      { outcome: 'rolled' },
    ]);
    await expectVerifiedWithoutRun(world.db, MONTH);
  });
});
