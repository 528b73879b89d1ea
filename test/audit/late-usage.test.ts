import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DEFAULT_BOUNDS } from '../../src/domain/bounds.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { listLateUsage, type LateUsage } from '../../src/audit/late-usage.ts';
import { verifyMonth } from '../../src/audit/verify.ts';
import {
  listMonthsWithUnbilledUsage,
  listMonthsWithUnbilledUsageOf,
} from '../../src/db/month-end/usage-places.ts';
import { reconcile, usageByState } from '../../src/db/month-end/reconciliation.ts';
import { sql } from '../../src/db/sql.ts';
import { periodOf } from '../_util/utc.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { expectSoundBooks, invoicesOf, linesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { seedPlan } from '../_util/lives.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
});
afterAll(async () => {
  // After every correction the month verifies, and the listing matches the reconciliation.
  const { checks } = await verifyMonth(world.db, MONTH);
  expect(checks.filter(({ problems }) => problems > 0)).toEqual([]);
  await expectSoundBooks(world.db);
  await expectAgreement();
  await world[Symbol.asyncDispose]();
});

let lastTenant = 0;
async function newTenant(endsAt: string | null = null): Promise<string> {
  const tenantId = `tenant-${(lastTenant += 1)}`;
  await seedTenant(world.db, tenantId, [{ deploymentId: `${tenantId}-a`, endsAt }]);
  return tenantId;
}
const use = (tenantId: string, kind: string, amount: string, month = MONTH) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });
const exclude = (eventId: string, source: 'llm' | 'metered' = 'llm') =>
  excludeEvent(world.db, { source, eventId, actor: 'olga', reason: 'priced twice' });
const endAt = (tenantId: string, endsAt: string | null) =>
  world.db.query(sql.typeAlias('nothing')`
    UPDATE subscriptions SET ends_at = ${endsAt} WHERE tenant_id = ${tenantId}`);

const list = (month = MONTH) => listLateUsage(world.db, month, { bounds: DEFAULT_BOUNDS });
async function lateOf(tenantId: string, month = MONTH): Promise<readonly LateUsage[]> {
  return (await list(month)).filter((row) => row.tenant_id === tenantId);
}
async function settle(tenantId: string): Promise<void> {
  await settleInvoice(world, (await invoicesOf(world.db, tenantId)).at(-1)!);
}
async function standing(tenantId: string) {
  const live = (await invoicesOf(world.db, tenantId)).find(({ status }) => status === 'issued');
  return { ...live!, lines: await linesOf(world.db, live!.invoiceId) };
}

/** Runs a printed command with the month end's own steps. */
async function carryOut({ command, tenant_id }: LateUsage): Promise<void> {
  const [, action, month, rest] =
    /^npm run cli -- month-end (force|start) (\d{4}-\d\d)( .*)?$/.exec(command ?? '') ?? [];
  const acceptBounds = rest?.includes('--accept-bounds') ?? false;
  if (action === 'start') await buildInvoices(world, [tenant_id], { month: month! });
  else {
    expect(rest).toContain(`--tenant ${tenant_id}`);
    const terms = { reason: 'late usage', ...(acceptBounds && { acceptBounds }) };
    await forceInvoices(world, [tenant_id], terms, month);
  }
}

/** Each listed state has the same events and sums as the reconciliation. */
async function expectAgreement(): Promise<void> {
  const listed = (await list()).flatMap(({ late }) => late);
  for (const state of new Set(listed.map((place) => place.state))) {
    const rows = (await reconcile(world.db, periodOf(MONTH))).filter((row) => row.state === state);
    const sum = (numbers: readonly string[]) => numbers.reduce((a, b) => a + Number(b), 0);
    const own = listed.filter((place) => place.state === state);
    expect({
      state,
      events: sum(own.map(({ events }) => events)),
      total: sum(own.map(({ total }) => total)),
    }).toEqual({
      state,
      events: sum(rows.map(({ events }) => events)),
      total: sum(rows.map(({ total }) => total)),
    });
  }
}

describe('late usage that needs a rerun', () => {
  test('is listed with the amount it would add, and disappears after the rerun', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    expect(await lateOf(tenantId)).toEqual([]);
    await use(tenantId, 'llm_tokens', '3000000');

    const [late] = await lateOf(tenantId);
    expect(late).toEqual({
      tenant_id: tenantId,
      name: tenantId,
      currency: 'AUD',
      reason: 'needs_re_run',
      invoice: `${tenantId}-000001`,
      action: 're_run',
      what_to_do: 'Rerun the invoice: its next revision has the right amount.',
      command: `npm run cli -- month-end force ${MONTH} --tenant ${tenantId} --reason 'late usage'`,
      // 2,000 thousand tokens at one cent each, plus GST.
      would_add_cents: 2200,
      problem: null,
      late: [
        {
          deployment_id: `${tenantId}-a`,
          resource_kind: 'llm_tokens',
          state: 'needs_re_run',
          events: '1',
          total: '3000000',
        },
      ],
      excluded_events: 0,
    });
    await carryOut(late!);
    expect(await lateOf(tenantId)).toEqual([]);
  });

  test('includes LLM usage that the rerun moves from the next invoice', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await use(tenantId, 'llm_tokens', '3000000');
    await use(tenantId, 'llm_usage', '100');

    const [late, ...others] = await lateOf(tenantId);
    expect(others).toEqual([]);
    expect(late).toMatchObject({ reason: 'needs_re_run', would_add_cents: 2310 });
    await carryOut(late!);
    expect((await standing(tenantId)).totalCents).toBe(5500 + 2310);
    expect(await lateOf(tenantId)).toEqual([]);
  });

  test('names the option that accepts a total beyond the safety bounds', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await use(tenantId, 'llm_tokens', '81000000');

    const [late] = await lateOf(tenantId);
    expect(late).toMatchObject({
      reason: 'needs_re_run',
      action: 're_run',
      would_add_cents: 88_000,
      // More than ten times the live total: without this the rerun would be parked.
      command: expect.stringContaining(' --accept-bounds '),
    });
    await carryOut(late!);
    expect((await standing(tenantId)).totalCents).toBe(5500 + 88_000);
    expect(await lateOf(tenantId)).toEqual([]);
  });
});

describe('the next invoice', () => {
  test('bills late LLM usage without a rerun', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await use(tenantId, 'llm_usage', '80');

    expect(await lateOf(tenantId)).toMatchObject([
      { reason: 'next_invoice', action: 'none', command: null, would_add_cents: 88 },
    ]);
    await buildInvoices(world, [tenantId], { month: '2026-06' });
    expect(await lateOf(tenantId)).toEqual([]);
    expect((await standing(tenantId)).status).toBe('issued');
  });

  test("is due for the LLM usage alone, after a leaving tenant's last invoice", async () => {
    const tenantId = await newTenant('2026-07-01T00:00:00Z');
    for (const month of [MONTH, '2026-06']) await buildInvoices(world, [tenantId], { month });
    await use(tenantId, 'llm_usage', '8000');
    expect(await lateOf(tenantId)).toMatchObject([
      { reason: 'next_invoice', action: 'none', would_add_cents: 8800 },
    ]);

    await buildInvoices(world, [tenantId], { month: '2026-07' });
    expect(await lateOf(tenantId)).toEqual([]);
    const last = (await invoicesOf(world.db, tenantId)).at(-1)!;
    expect(await linesOf(world.db, last.invoiceId)).toMatchObject([
      { description: `LLM usage, late for ${MONTH}`, amountCents: 8000 },
      { kind: 'tax' },
    ]);
  });

  test('bills usage of a month that was never run for the tenant', async () => {
    const tenantId = await newTenant('2026-02-10T00:00:00Z');
    await use(tenantId, 'llm_usage', '80');
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO subscriptions (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at)
      VALUES (${`back-${tenantId}`}, ${tenantId}, ${`${tenantId}-a`}, 'studio-v1', '2026-06-01T00:00:00Z')`);

    await buildInvoices(world, [tenantId], { month: '2026-06' });
    expect((await standing(tenantId)).lines).toMatchObject([
      { kind: 'plan_base' },
      { description: `LLM usage, late for ${MONTH}`, amountCents: 80 },
      { kind: 'tax' },
    ]);
    expect(await lateOf(tenantId)).toEqual([]);
  });
});

describe('usage of a settled month', () => {
  test('is billed on an adjustment note, except LLM usage that another invoice has claimed', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await settle(tenantId);
    await use(tenantId, 'llm_tokens', '3000000');
    // An interrupted run of a later month has claimed some of it.
    await use(tenantId, 'llm_usage', '5000');
    await buildInvoices(world, [tenantId], { month: '2026-06', stopAfter: 'openDrafts' });
    await use(tenantId, 'llm_usage', '300');

    const [late, claimed, ...others] = await lateOf(tenantId);
    expect(others).toEqual([]);
    expect(late).toMatchObject({
      reason: 'needs_re_run',
      action: 're_run',
      invoice: `${tenantId}-000001`,
      what_to_do:
        'Rerun the invoice: it is settled, so the difference goes onto an adjustment note.',
      // The rerun also takes the LLM usage that no other invoice has claimed.
      would_add_cents: 2200 + 330,
    });
    expect(claimed).toMatchObject({
      reason: 'in_draft',
      action: 'run_month',
      would_add_cents: 5500,
    });
    await carryOut(late!);
    const [note, ...more] = await notesOf(world.db, tenantId);
    expect(more).toEqual([]);
    expect(note).toMatchObject({ number: `${tenantId}-A000001`, totalCents: 2200 + 330 });
    expect(await lateOf(tenantId)).toMatchObject([{ reason: 'in_draft' }]);
    expect(await listMonthsWithUnbilledUsageOf(world.db, tenantId, MONTH)).toEqual([MONTH]);
    await carryOut(claimed!);
    expect(await lateOf(tenantId)).toEqual([]);
  });

  test('of a note is billed, and more of it needs another rerun', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await settle(tenantId);
    await use(tenantId, 'llm_tokens', '3000000');
    await carryOut((await lateOf(tenantId))[0]!);
    expect(await lateOf(tenantId)).toEqual([]);

    await use(tenantId, 'llm_tokens', '1000000');
    const [late] = await lateOf(tenantId);
    expect(late).toMatchObject({ action: 're_run', would_add_cents: 1100 });
    await carryOut(late!);
    expect((await notesOf(world.db, tenantId)).map(({ totalCents }) => totalCents)).toEqual([
      2200, 1100,
    ]);
    expect(await lateOf(tenantId)).toEqual([]);
  });

  test('that was excluded after a note had billed it is credited by the next note', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    await settle(tenantId);
    const eventId = await use(tenantId, 'llm_tokens', '3000000');
    await carryOut((await lateOf(tenantId))[0]!);
    await exclude(eventId, 'metered');

    const [late] = await lateOf(tenantId);
    expect(late).toMatchObject({
      ...{ invoice: `${tenantId}-000001`, action: 're_run' },
      ...{ would_add_cents: -2200, excluded_events: 1 },
    });
    await carryOut(late!);
    expect((await notesOf(world.db, tenantId)).at(-1)).toMatchObject({ totalCents: -2200 });
    expect(await lateOf(tenantId)).toEqual([]);
  });
});

describe('usage of a void invoice', () => {
  test('is listed as pending, with the command that bills the month again', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_tokens', '3000000');
    await buildInvoices(world, [tenantId]);
    const { invoiceId } = await standing(tenantId);
    await voidInvoice(world.db, { invoiceId, actor: 'a', reason: 'r' });

    expect(await lateOf(tenantId)).toMatchObject([
      {
        ...{ reason: 'voided', action: 're_run', would_add_cents: 5500 + 2200 },
        command: expect.stringContaining(`month-end force ${MONTH} --tenant ${tenantId}`),
        late: [{ resource_kind: 'llm_tokens', state: 'voided' }],
      },
    ]);
  });
});

describe('late LLM usage on a void invoice', () => {
  test('is listed in its own month, with the command for the month of the invoice', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'llm_usage', '500', '2026-01');
    await buildInvoices(world, [tenantId]);
    const { invoiceId, number } = await standing(tenantId);
    await voidInvoice(world.db, { invoiceId, actor: 'a', reason: 'r' });

    const january = await lateOf(tenantId, '2026-01');
    expect(january).toMatchObject([
      {
        ...{ reason: 'voided', action: 're_run', invoice: number, would_add_cents: 550 },
        command: expect.stringContaining(`month-end force ${MONTH} --tenant ${tenantId}`),
      },
    ]);
    expect(await listMonthsWithUnbilledUsage(world.db, MONTH)).toContain('2026-01');
  });
});

describe('usage of a tenant that is not due', () => {
  test('is billed by the next run once a subscription touches the month', async () => {
    const tenantId = await newTenant(`${MONTH}-01T00:00:00Z`);
    await use(tenantId, 'droplet_hours', '10');

    const [late] = await lateOf(tenantId);
    expect(late).toMatchObject({
      reason: 'tenant_not_due',
      invoice: null,
      action: 'give_subscription',
      what_to_do: expect.stringContaining(`None of the tenant's subscriptions touches ${MONTH}`),
      command: `npm run cli -- month-end start ${MONTH}`,
      would_add_cents: null,
      problem: expect.stringContaining('metered usage has no amount'),
    });
    await endAt(tenantId, '2026-06-01T00:00:00Z');
    await carryOut(late!);
    expect(await lateOf(tenantId)).toEqual([]);
    expect((await standing(tenantId)).totalCents).toBe(5500);
  });

  test('is no longer listed once excluded', async () => {
    const tenantId = await newTenant(`${MONTH}-01T00:00:00Z`);
    const eventId = await use(tenantId, 'droplet_hours', '80');
    await exclude(eventId, 'metered');
    expect(await lateOf(tenantId)).toEqual([]);
  });
});

describe('usage that an invoice contains without a line', () => {
  test('of a deployment without a subscription is billed by a rerun once it has one', async () => {
    const tenantId = await newTenant();
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO deployments (deployment_id, tenant_id) VALUES (${`${tenantId}-b`}, ${tenantId})`);
    const usage = {
      tenantId,
      deploymentId: `${tenantId}-b`,
      kind: 'llm_tokens',
      amount: '3000000',
    };
    await seedUsage(world.db, usage);
    await buildInvoices(world, [tenantId]);

    const [late] = await lateOf(tenantId);
    expect(late).toMatchObject({
      reason: 'no_subscription',
      action: 'give_subscription',
      what_to_do: expect.stringContaining(`deployment ${tenantId}-b`),
      would_add_cents: null,
      late: [{ deployment_id: `${tenantId}-b`, events: '1', total: '3000000' }],
    });
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO subscriptions (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at)
      VALUES (${`sub-${tenantId}-b`}, ${tenantId}, ${`${tenantId}-b`}, 'studio-v1', ${`${MONTH}-01T00:00:00Z`})`);
    await carryOut(late!);
    expect(await lateOf(tenantId)).toEqual([]);
    expect((await standing(tenantId)).totalCents).toBe(11_000 + 2200);
  });

  test("of a kind outside the plan is billed by a rerun once the deployment's plan has it", async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'gpu_hours', '7');
    await buildInvoices(world, [tenantId]);

    const [late] = await lateOf(tenantId);
    expect(late).toMatchObject({ reason: 'unpriced_kind', action: 'change_plan' });
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
      VALUES ('studio', 2, 'AUD', 5000, 'none')`);
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO plan_items (plan_version_id, position, resource_kind, overage_price_cents, overage_unit)
      VALUES ('studio-v2', 1, 'gpu_hours', 100, 'hour')`);
    await endAt(tenantId, `${MONTH}-20T00:00:00Z`);
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO subscriptions (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at)
      VALUES (${`sub-${tenantId}-2`}, ${tenantId}, ${`${tenantId}-a`}, 'studio-v2', ${`${MONTH}-20T00:00:00Z`})`);
    await carryOut(late!);
    expect(await lateOf(tenantId)).toEqual([]);
    expect((await standing(tenantId)).totalCents).toBe(6270);
  });

  test('of a kind that the plan never bills is not listed', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'snapshots', '2');
    await buildInvoices(world, [tenantId]);
    expect(await lateOf(tenantId)).toEqual([]);
    const states = (await reconcile(world.db, periodOf(MONTH))).map(({ state }) => state);
    expect(states).toContain('free_by_plan');
  });

  test('of a settled invoice has the same remedy', async () => {
    const tenantId = await newTenant();
    await use(tenantId, 'gpu_hours', '7');
    await buildInvoices(world, [tenantId]);
    await settle(tenantId);
    expect(await lateOf(tenantId)).toMatchObject([
      { reason: 'unpriced_kind', action: 'change_plan', command: expect.any(String) },
    ]);
  });
});

describe('what an adjustment note changes about usage that the invoice holds', () => {
  const llmTokens = (tenantId: string, deployment: 'a' | 'b') =>
    seedUsage(world.db, {
      ...{ tenantId, deploymentId: `${tenantId}-${deployment}` },
      ...{ kind: 'llm_tokens', amount: '3000000' },
    });
  const subscribe = (tenantId: string, planVersionId: string) =>
    world.db.query(sql.typeAlias('nothing')`
      UPDATE subscriptions SET plan_version_id = ${planVersionId} WHERE tenant_id = ${tenantId}`);
  const force = (tenantId: string) => forceInvoices(world, [tenantId]);
  const statesOf = (tenantId: string) =>
    world.db.any(sql.type(z.object({ kind: z.string(), state: z.string(), total: z.string() }))`
      SELECT resource_kind AS kind, state, trim_scale(sum(total))::text AS total
      FROM (${usageByState(periodOf(MONTH))}) u WHERE tenant_id = ${tenantId} GROUP BY 1, 2 ORDER BY 1, 2`);

  test('is that a subscription that was added bills it', async () => {
    const tenantId = await newTenant();
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO deployments (deployment_id, tenant_id) VALUES (${`${tenantId}-b`}, ${tenantId})`);
    const eventId = await llmTokens(tenantId, 'b');
    await buildInvoices(world, [tenantId]);
    await settle(tenantId);
    const [late] = await lateOf(tenantId);
    expect(late).toMatchObject({ reason: 'no_subscription' });
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO subscriptions (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at)
      VALUES (${`sub-${tenantId}-b`}, ${tenantId}, ${`${tenantId}-b`}, 'studio-v1', ${`${MONTH}-01T00:00:00Z`})`);
    await carryOut(late!);

    expect(await notesOf(world.db, tenantId)).toMatchObject([{ subtotalCents: 5000 + 2000 }]);
    const billed = { kind: 'llm_tokens', state: 'billed', total: '3000000' };
    expect(await statesOf(tenantId)).toEqual([billed]);
    expect(await lateOf(tenantId)).toEqual([]);
    // An exclusion takes all of it back.
    await exclude(eventId, 'metered');
    await force(tenantId);
    expect(await statesOf(tenantId)).toEqual([{ ...billed, state: 'excluded' }]);
    expect(await lateOf(tenantId)).toEqual([]);
  });

  test('is that a plan without the kind takes it back, and the listing names it until another bills it', async () => {
    await seedPlan(world.db, 'bare', { proration: 'daily', basePriceCents: 5000 });
    const tenantId = await newTenant();
    await llmTokens(tenantId, 'a');
    await buildInvoices(world, [tenantId]);
    await settle(tenantId);
    // More of it is on a note.
    await llmTokens(tenantId, 'a');
    await force(tenantId);
    await subscribe(tenantId, 'bare-v1');
    await force(tenantId);

    expect((await notesOf(world.db, tenantId)).at(-1)).toMatchObject({ subtotalCents: -5000 });
    expect(await statesOf(tenantId)).toEqual([
      { kind: 'llm_tokens', state: 'unpriced_kind', total: '6000000' },
    ]);
    const [late] = await lateOf(tenantId);
    expect(late).toMatchObject({ reason: 'unpriced_kind', action: 'change_plan' });
    expect(await listMonthsWithUnbilledUsage(world.db, MONTH)).toContain(MONTH);

    await subscribe(tenantId, 'studio-v1');
    await carryOut(late!);
    expect((await notesOf(world.db, tenantId)).at(-1)).toMatchObject({ subtotalCents: 5000 });
    expect(await statesOf(tenantId)).toEqual([
      { kind: 'llm_tokens', state: 'billed', total: '6000000' },
    ]);
    expect(await lateOf(tenantId)).toEqual([]);
  });

  test('is that what is left after an exclusion is within the allowance', async () => {
    const tenantId = await newTenant();
    const eventId = await llmTokens(tenantId, 'a');
    await use(tenantId, 'llm_tokens', '10');
    await buildInvoices(world, [tenantId]);
    await settle(tenantId);
    await exclude(eventId, 'metered');
    await force(tenantId);
    expect(await statesOf(tenantId)).toEqual([
      { kind: 'llm_tokens', state: 'excluded', total: '3000000' },
      { kind: 'llm_tokens', state: 'within_allowance', total: '10' },
    ]);
  });

  test('is nothing about other months: doctor looks at a month again only while usage is unbilled', async () => {
    const month = '2026-02';
    const tenantId = await newTenant();
    await use(tenantId, 'gpu_hours', '7', month);
    await buildInvoices(world, [tenantId], { month });
    await settle(tenantId);
    expect(await listMonthsWithUnbilledUsage(world.db, MONTH)).toContain(month);
    await seedPlan(world.db, 'gpus', {
      ...{ proration: 'daily', basePriceCents: 5000 },
      items: [{ resourceKind: 'gpu_hours', overagePriceCents: 100, overageUnit: 'hour' }],
    });
    await subscribe(tenantId, 'gpus-v1');
    await forceInvoices(world, [tenantId], {}, month);
    expect(await notesOf(world.db, tenantId)).toMatchObject([{ subtotalCents: 700 }]);
    expect(await listMonthsWithUnbilledUsage(world.db, MONTH)).not.toContain(month);
  });
});

describe('events excluded after billing', () => {
  test('are credited by a rerun', async () => {
    const tenantId = await newTenant();
    const eventId = await use(tenantId, 'llm_usage', '500');
    await buildInvoices(world, [tenantId]);

    expect(await exclude(eventId)).toMatchObject({
      outcome: 'excluded',
      exclusion: {
        still_billed_on: `${tenantId}-000001`,
        amount: '500',
      },
    });
    const [late] = await lateOf(tenantId);
    expect(late).toMatchObject({ action: 're_run', would_add_cents: -550, excluded_events: 1 });
    await carryOut(late!);
    expect(await lateOf(tenantId)).toEqual([]);
    expect((await standing(tenantId)).lines.map(({ kind }) => kind)).not.toContain('llm_usage');
  });

  test('are credited to a tenant whose subscription is gone, even down to an invoice without charges', async () => {
    const tenantId = await newTenant();
    const eventId = await use(tenantId, 'llm_usage', '5000');
    await buildInvoices(world, [tenantId]);
    await endAt(tenantId, `${MONTH}-01T00:00:00Z`);
    await exclude(eventId);

    const [late, ...others] = await lateOf(tenantId);
    expect(others).toEqual([]);
    expect(late).toMatchObject({
      invoice: `${tenantId}-000001`,
      action: 're_run',
      would_add_cents: -11_000,
      problem: null,
    });
    await carryOut(late!);
    expect(await lateOf(tenantId)).toEqual([]);
    expect(await standing(tenantId)).toMatchObject({
      number: `${tenantId}-000002`,
      revision: 2,
      subtotalCents: 0,
      totalCents: 0,
      lines: [],
    });
  });

  test('are ignored for a void invoice', async () => {
    const tenantId = await newTenant();
    const eventId = await use(tenantId, 'llm_usage', '500');
    await buildInvoices(world, [tenantId]);
    const { invoiceId } = await standing(tenantId);
    await voidInvoice(world.db, { invoiceId, actor: 'a', reason: 'r' });

    expect(await exclude(eventId)).toMatchObject({ exclusion: { still_billed_on: null } });
    expect(await lateOf(tenantId)).toEqual([]);
  });
});
