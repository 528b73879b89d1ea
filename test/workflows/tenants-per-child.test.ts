import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tenantInvoicesId } from '../../src/contracts/ids.ts';
import type { OutcomeCounts } from '../../src/contracts/month-end-types.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { expectSoundBooks, invoicesOf, outcomesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, progressOf, type World } from '../_util/world.ts';

const GOOD = Array.from({ length: 11 }, (_, n) => `tenant-${String(n + 1).padStart(2, '0')}`);

let world: World;
beforeEach(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  for (const tenantId of GOOD) {
    await seedTenant(world.db, tenantId);
    const usage = { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage' };
    await seedUsage(world.db, { ...usage, amount: '3' });
  }
  // In the middle of the others.
  await seedTenant(world.db, 'tenant-06-bad', [{ deploymentId: 'bad-a', planVersionId: null }]);
});
afterEach(() => world[Symbol.asyncDispose]());

const request = (requestId: string, options = {}, force?: { tenantIds: readonly string[] }) =>
  requestMonthEnd(world.client, {
    month: MONTH,
    requestId,
    actor: 'test',
    options: { tenantsPerChild: 4, maxChildren: 2, ...options },
    ...(force && { reason: 'a test', force }),
  });

async function childrenOf(): Promise<readonly string[]> {
  const query = `WorkflowType = 'tenantInvoice' AND BillingPeriod = '${MONTH}'`;
  const children = await Array.fromAsync(world.client.workflow.list({ query }));
  return children.map(({ workflowId }) => workflowId).sort();
}

const totals = (counts: Partial<OutcomeCounts>) => ({
  rolled: 0,
  adjusted: 0,
  skipped: 0,
  unchanged: 0,
  nothing_to_bill: 0,
  parked: 0,
  ...counts,
});

test('a child serves several tenants, and one with bad data does not affect the others', async () => {
  await world.startWorker();
  await request('r1');

  expect((await closed(world, MONTH)).totals).toEqual(totals({ rolled: 11, parked: 1 }));
  expect(await until(childrenOf, (children) => children.length >= 3)).toEqual([
    tenantInvoicesId(MONTH, 'tenant-01'),
    tenantInvoicesId(MONTH, 'tenant-05'),
    tenantInvoicesId(MONTH, 'tenant-08'),
  ]);
  expect(await invoicesOf(world.db)).toHaveLength(11);
  expect(await outcomesOf(world.db, MONTH)).toMatchObject(
    [...GOOD.slice(0, 6), 'tenant-06-bad', ...GOOD.slice(6)].map((tenantId) =>
      tenantId === 'tenant-06-bad'
        ? { tenantId, outcome: 'parked', reasonType: 'missing_plan_version' }
        : { tenantId, outcome: 'rolled' },
    ),
  );
  await expectSoundBooks(world.db);
});

test('a step that fails permanently parks its tenant, and the other tenants of the child are invoiced', async () => {
  const { quoteSubscriptions } = world.activities;
  await world.startWorker({
    quoteSubscriptions: (input) => {
      if (input.drafts.some(({ tenantId }) => tenantId === 'tenant-02')) {
        throw ApplicationFailure.nonRetryable('the price is not a number', 'invalid_amount');
      }
      return quoteSubscriptions(input);
    },
  });
  await request('r1');

  expect((await closed(world, MONTH)).totals).toEqual(totals({ rolled: 10, parked: 2 }));
  const outcomes = await outcomesOf(world.db, MONTH);
  expect(outcomes.filter(({ outcome }) => outcome === 'parked')).toMatchObject([
    { tenantId: 'tenant-02', reasonType: 'invalid_amount', reason: 'the price is not a number' },
    { tenantId: 'tenant-06-bad', reasonType: 'missing_plan_version' },
  ]);
  await expectSoundBooks(world.db);
});

test('a database error for one tenant parks that tenant, and the other tenants of the child are invoiced', async () => {
  await asSuperuser(world.superuserUrl, (client) =>
    client.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no invoice for tenant-02'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON invoices FOR EACH ROW
        WHEN (NEW.tenant_id = 'tenant-02') EXECUTE FUNCTION refuse()`),
  );
  await world.startWorker();
  await request('r1');

  expect((await closed(world, MONTH)).totals).toEqual(totals({ rolled: 10, parked: 2 }));
  const outcomes = await outcomesOf(world.db, MONTH);
  expect(outcomes.find(({ tenantId }) => tenantId === 'tenant-02')).toMatchObject({
    outcome: 'parked',
    reasonType: 'failed',
    reason: expect.stringContaining('no invoice for tenant-02'),
  });
  await expectSoundBooks(world.db);
});

test('a forced rerun revises only the named tenants of a child', async () => {
  await world.startWorker();
  await request('r1');
  await closed(world, MONTH);

  await request('f1', {}, { tenantIds: ['tenant-02', 'tenant-09', 'tenant-06-bad'] });

  await closed(world, MONTH);
  const revised = (await invoicesOf(world.db)).filter(({ revision }) => revision === 2);
  expect(revised).toMatchObject([
    { tenantId: 'tenant-02', status: 'issued', requestId: 'f1' },
    { tenantId: 'tenant-09', status: 'issued', requestId: 'f1' },
  ]);
  await expectSoundBooks(world.db);
});

test('a terminated child parks those of its tenants that have no invoice yet', async () => {
  const { persistInvoices } = world.activities;
  /** The run that hangs, also in retries after it was terminated. */
  let stuckOwner: string | null = null;
  await world.startWorker({
    persistInvoices: async (input) => {
      if (input.drafts.some(({ tenantId }) => tenantId === 'tenant-05')) stuckOwner ??= input.owner;
      if (input.owner !== stuckOwner) return persistInvoices(input);
      // It gets half of the way and then hangs.
      const half = ['tenant-05', 'tenant-06'];
      await persistInvoices({
        ...input,
        drafts: input.drafts.filter(({ tenantId }) => half.includes(tenantId)),
      });
      throw new Error('no route to the database');
    },
  });
  await request('r1');
  const child = world.client.workflow.getHandle(tenantInvoicesId(MONTH, 'tenant-05'));
  await until(
    () => progressOf(world, MONTH),
    ({ pass }) => pass?.counts.rolled === 8 && pass.running.includes('tenant-07'),
  );
  await until(
    () => invoicesOf(world.db, 'tenant-06'),
    (invoices) => invoices.length === 1,
  );
  await child.terminate('an operator has had enough');

  expect((await closed(world, MONTH)).totals).toEqual(totals({ rolled: 10, parked: 2 }));
  const outcomes = await outcomesOf(world.db, MONTH);
  expect(outcomes.filter(({ outcome }) => outcome === 'parked')).toMatchObject([
    { tenantId: 'tenant-06-bad', reasonType: 'terminated' },
    { tenantId: 'tenant-07', reasonType: 'terminated' },
  ]);

  await request('r2');
  expect((await closed(world, MONTH)).totals).toEqual(
    totals({ rolled: 1, skipped: 10, parked: 1 }),
  );
  expect(await invoicesOf(world.db)).toHaveLength(11);
  await expectSoundBooks(world.db);
});
