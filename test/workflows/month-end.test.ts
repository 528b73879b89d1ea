import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApplicationFailure } from '@temporalio/common';
import { tenantInvoiceId } from '../../src/contracts/ids.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { expectSoundBooks, invoicesOf, linesOf, outcomesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, progressOf, type World } from '../_util/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
});
afterEach(() => world[Symbol.asyncDispose]());

const request = (requestId: string, month = MONTH) =>
  requestMonthEnd(world.client, { month, requestId, actor: 'test' });
const force = (requestId: string, tenantIds: string[], month = MONTH) =>
  requestMonthEnd(world.client, {
    month,
    requestId,
    actor: 'olga',
    reason: 'usage came late',
    force: { tenantIds },
  });

describe('month end', () => {
  test('bills each due tenant exactly, and parks only those with bad data', async () => {
    await seedTenant(world.db, 'acme', [
      {
        deploymentId: 'acme-a',
        addons: [
          { code: 'storage_50gb', resourceKind: 'spaces_gb_month', qty: '50', priceCents: 750 },
        ],
      },
      { deploymentId: 'acme-b', endsAt: '2026-05-20T00:00:00Z' },
    ]);
    await seedTenant(world.db, 'mixed', [
      { deploymentId: 'mixed-a' },
      { deploymentId: 'mixed-b', planVersionId: 'yankee-v1' },
    ]);
    await seedTenant(world.db, 'planless', [{ deploymentId: 'planless-a', planVersionId: null }]);
    await seedTenant(world.db, 'rich', [
      { deploymentId: 'rich-a', planVersionId: 'huge-v1' },
      { deploymentId: 'rich-b', planVersionId: 'huge-v1' },
    ]);
    await seedTenant(world.db, 'gone', [
      { deploymentId: 'gone-a', endsAt: '2026-05-01T00:00:00Z' },
    ]);
    await seedTenant(world.db, 'edge', [
      { deploymentId: 'edge-a', endsAt: '2026-06-01T00:00:00Z' },
    ]);
    const acme = { tenantId: 'acme', deploymentId: 'acme-a' };
    await seedUsage(world.db, { ...acme, kind: 'llm_tokens', amount: '1500000' });
    await seedUsage(world.db, { ...acme, kind: 'spaces_gb_month', amount: '200' });
    await seedUsage(world.db, { ...acme, kind: 'droplet_hours', amount: '744' });
    await seedUsage(world.db, { ...acme, kind: 'llm_usage', amount: '0.2' });
    await seedUsage(world.db, { ...acme, kind: 'llm_usage', amount: '0.29' });
    // A deployment whose subscription ends on 20 May is billed for its days and its LLM usage.
    await seedUsage(world.db, {
      ...acme,
      deploymentId: 'acme-b',
      kind: 'llm_usage',
      amount: '99.5',
    });
    await world.startWorker();

    await request('r1');

    const { totals } = await closed(world, MONTH);
    expect(totals).toEqual({
      rolled: 2,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 3,
    });
    expect(await outcomesOf(world.db, MONTH)).toMatchObject([
      { tenantId: 'acme', outcome: 'rolled' },
      { tenantId: 'edge', outcome: 'rolled' },
      { tenantId: 'mixed', outcome: 'parked', reasonType: 'mixed_currencies' },
      { tenantId: 'planless', outcome: 'parked', reasonType: 'missing_plan_version' },
      { tenantId: 'rich', outcome: 'parked', reasonType: 'amount_out_of_range' },
    ]);
    const [invoice] = await invoicesOf(world.db, 'acme');
    expect(invoice).toMatchObject({
      status: 'issued',
      revision: 1,
      number: 'acme-000001',
      subtotalCents: 5000 + 750 + 500 + 100 + 0 + 3065 + 100,
      taxCents: 952,
    });
    expect(await linesOf(world.db, invoice!.invoiceId)).toMatchObject([
      { kind: 'plan_base', deploymentId: 'acme-a', amountCents: 5000 },
      {
        kind: 'addon',
        deploymentId: 'acme-a',
        amountCents: 750,
        description: 'Addon: storage_50gb',
      },
      { kind: 'overage', resourceKind: 'llm_tokens', qty: '500000', amountCents: 500 },
      { kind: 'overage', resourceKind: 'spaces_gb_month', qty: '50', amountCents: 100 },
      { kind: 'llm_usage', qty: '2', amountCents: 0, meta: { exact_cents: '0.49' } },
      {
        kind: 'plan_base',
        deploymentId: 'acme-b',
        amountCents: 3065,
        meta: { proration_fraction: '19/31', service_to: '2026-05-19' },
      },
      {
        kind: 'llm_usage',
        deploymentId: 'acme-b',
        amountCents: 100,
        meta: { exact_cents: '99.5' },
      },
      { kind: 'tax', deploymentId: null, amountCents: 952, description: 'GST (10%)' },
    ]);
    await expectSoundBooks(world.db);
  });

  test('skips invoiced tenants when the month is requested again', async () => {
    await seedTenant(world.db, 'acme');
    await seedTenant(world.db, 'globex');
    await world.startWorker();
    await request('r1');
    await closed(world, MONTH);
    const before = await invoicesOf(world.db);

    await request('r2');

    const { totals } = await closed(world, MONTH);
    expect(totals).toEqual({
      rolled: 0,
      adjusted: 0,
      skipped: 2,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    });
    expect(await outcomesOf(world.db, MONTH)).toMatchObject(
      before.map(({ tenantId, invoiceId }) => ({ tenantId, outcome: 'skipped', invoiceId })),
    );
    expect(await invoicesOf(world.db)).toEqual(before);
  });

  test('a request for a month whose workflow has ended starts it again and skips every tenant', async () => {
    await seedTenant(world.db, 'acme');
    await world.startWorker();
    const options = { openForDays: 0 };
    const ask = async (requestId: string) => {
      const input = { month: MONTH, requestId, actor: 'test', options };
      const workflowId = await requestMonthEnd(world.client, input);
      return world.client.workflow.getHandle(workflowId).result() as Promise<unknown>;
    };
    expect(await ask('r1')).toEqual({
      rolled: 1,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    });
    expect(await ask('r2')).toEqual({
      rolled: 0,
      adjusted: 0,
      skipped: 1,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    });
    expect(await invoicesOf(world.db)).toHaveLength(1);
  });

  test('a forced rerun replaces the invoice, links both, and bills late usage', async () => {
    await seedTenant(world.db, 'acme');
    await seedTenant(world.db, 'globex');
    const usage = { tenantId: 'acme', deploymentId: 'acme-a' };
    await seedUsage(world.db, { ...usage, kind: 'llm_usage', amount: '10.4' });
    await world.startWorker();
    await request('r1');
    await closed(world, MONTH);
    await seedUsage(world.db, { ...usage, kind: 'llm_usage', amount: '0.2' });
    await seedUsage(world.db, { ...usage, kind: 'llm_tokens', amount: '1001000' });

    await force('f1', ['acme']);

    const { totals } = await closed(world, MONTH);
    expect(totals).toEqual({
      rolled: 1,
      adjusted: 0,
      skipped: 1,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    });
    const [first, second, ...more] = await invoicesOf(world.db, 'acme');
    expect(more).toEqual([]);
    expect(first).toMatchObject({ status: 'superseded', supersededBy: second!.invoiceId });
    expect(second).toMatchObject({
      status: 'issued',
      revision: 2,
      number: 'acme-000002',
      replacesInvoiceId: first!.invoiceId,
      requestId: 'f1',
      actor: 'temporal:olga',
      reason: 'usage came late',
      subtotalCents: 5000 + 1 + 11,
    });
    expect(await linesOf(world.db, second!.invoiceId)).toMatchObject([
      { kind: 'plan_base' },
      { kind: 'overage', qty: '1000', amountCents: 1 },
      { kind: 'llm_usage', qty: '2', amountCents: 11, meta: { exact_cents: '10.6' } },
      { kind: 'tax' },
    ]);
    expect(await linesOf(world.db, first!.invoiceId)).toMatchObject([
      { kind: 'plan_base' },
      { kind: 'llm_usage', qty: '1', amountCents: 10 },
      { kind: 'tax' },
    ]);
    await expectSoundBooks(world.db);
  });

  test('late LLM usage is billed in the next month on its own line', async () => {
    await seedTenant(world.db, 'acme');
    const usage = { tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage' };
    await seedUsage(world.db, { ...usage, amount: '7', month: '2026-04' });
    await world.startWorker();
    await request('r1', '2026-04');
    await closed(world, '2026-04');
    await seedUsage(world.db, { ...usage, amount: '3', month: '2026-04' });
    await seedUsage(world.db, { ...usage, amount: '5', month: '2026-05' });

    await request('r2', '2026-05');

    await closed(world, '2026-05');
    const [, may] = await invoicesOf(world.db, 'acme');
    expect(await linesOf(world.db, may!.invoiceId)).toMatchObject([
      { kind: 'plan_base' },
      { description: 'LLM usage, late for 2026-04', amountCents: 3 },
      { description: 'LLM usage', amountCents: 5 },
      { kind: 'tax' },
    ]);

    // A forced rerun of April takes nothing that May has billed.
    await force('f1', ['acme'], '2026-04');
    await closed(world, '2026-04');
    const [, april] = await invoicesOf(world.db, 'acme');
    expect(april).toMatchObject({ month: '2026-04', revision: 2, subtotalCents: 5007 });

    // And a forced rerun of May takes no new usage of April: that is billed in June.
    await seedUsage(world.db, { ...usage, amount: '9', month: '2026-04' });
    await force('f2', ['acme'], '2026-05');
    await closed(world, '2026-05');
    expect((await invoicesOf(world.db, 'acme')).at(-1)).toMatchObject({
      month: '2026-05',
      revision: 2,
      subtotalCents: 5008,
    });
    await expectSoundBooks(world.db);
  });

  test('an activity that commits and then fails is retried without a second revision', async () => {
    await seedTenant(world.db, 'acme');
    let failures = 0;
    const { persistInvoices } = world.activities;
    await world.startWorker({
      persistInvoices: async (input) => {
        const result = await persistInvoices(input);
        failures += 1;
        if (failures <= 2) throw new Error('the connection was cut after the commit');
        return result;
      },
    });

    await request('r1');
    expect((await closed(world, MONTH)).totals).toEqual({
      rolled: 1,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    });
    failures = 0;
    await force('f1', ['acme']);
    expect((await closed(world, MONTH)).totals).toEqual({
      rolled: 1,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    });

    expect(failures).toBe(3);
    expect(await invoicesOf(world.db)).toMatchObject([
      { revision: 1, status: 'superseded' },
      { revision: 2, status: 'issued' },
    ]);
    await expectSoundBooks(world.db);
  });

  test('a terminated child parks its tenant, and the next request bills it', async () => {
    await seedTenant(world.db, 'acme');
    await seedTenant(world.db, 'stuck');
    await seedUsage(world.db, {
      tenantId: 'stuck',
      deploymentId: 'stuck-a',
      kind: 'llm_usage',
      amount: '44',
    });
    const { persistInvoices } = world.activities;
    let isStuck = true;
    // The terminated child's attempts may continue for a while. They must not bill the tenant.
    const stuckRuns = new Set<string>();
    await world.startWorker({
      persistInvoices: (input) => {
        if (isStuck && input.drafts.some(({ tenantId }) => tenantId === 'stuck')) {
          stuckRuns.add(input.owner);
        }
        if (stuckRuns.has(input.owner)) throw new Error('no route to the database');
        return persistInvoices(input);
      },
    });

    await request('r1');
    const child = world.client.workflow.getHandle(tenantInvoiceId(MONTH, 'stuck'));
    await until(
      () => progressOf(world, MONTH),
      ({ pass }) => pass?.counts.rolled === 1 && pass.running.includes('stuck'),
    );
    await until(
      () => child.describe(),
      ({ status }) => status.name === 'RUNNING',
    );
    await child.terminate('an operator has had enough');

    expect((await closed(world, MONTH)).totals).toEqual({
      rolled: 1,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 1,
    });
    expect(await outcomesOf(world.db, MONTH)).toMatchObject([
      { tenantId: 'acme', outcome: 'rolled' },
      { tenantId: 'stuck', outcome: 'parked', reasonType: 'terminated' },
    ]);
    isStuck = false;
    await request('r2');
    expect((await closed(world, MONTH)).totals).toEqual({
      rolled: 1,
      adjusted: 0,
      skipped: 1,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    });
    expect(await invoicesOf(world.db, 'stuck')).toMatchObject([{ subtotalCents: 5044 }]);
    await expectSoundBooks(world.db);
  });

  test('a child that times out parks its tenant', async () => {
    await seedTenant(world.db, 'slow');
    await world.startWorker({
      persistInvoices: () => {
        throw new Error('no route to the database');
      },
    });

    await requestMonthEnd(world.client, {
      month: MONTH,
      requestId: 'r1',
      actor: 'test',
      options: { tenantTimeoutSeconds: 2 },
    });

    expect((await closed(world, MONTH)).totals).toEqual({
      rolled: 0,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 1,
    });
    expect(await outcomesOf(world.db, MONTH)).toMatchObject([
      { tenantId: 'slow', reasonType: 'timed_out' },
    ]);
  });

  test('a step that fails permanently parks its tenant with the reason', async () => {
    await seedTenant(world.db, 'acme');
    await world.startWorker({
      persistInvoices: () => {
        throw ApplicationFailure.nonRetryable('the price is not a number', 'invalid_amount');
      },
    });

    await request('r1');

    expect((await closed(world, MONTH)).totals).toMatchObject({ rolled: 0, parked: 1 });
    expect(await outcomesOf(world.db, MONTH)).toMatchObject([
      { tenantId: 'acme', reasonType: 'invalid_amount', reason: 'the price is not a number' },
    ]);
  });

  test('a failed read never bills a tenant without its usage', async () => {
    await seedTenant(world.db, 'acme');
    await seedUsage(world.db, {
      tenantId: 'acme',
      deploymentId: 'acme-a',
      kind: 'llm_usage',
      amount: '44',
    });
    await world.startWorker({
      persistInvoices: () => {
        throw ApplicationFailure.nonRetryable('could not read block 7', 'failed');
      },
    });

    await request('r1');

    expect((await closed(world, MONTH)).totals).toEqual({
      rolled: 0,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 1,
    });
    expect(await invoicesOf(world.db)).toEqual([]);
    expect(await outcomesOf(world.db, MONTH)).toMatchObject([{ reason: 'could not read block 7' }]);
  });
});
