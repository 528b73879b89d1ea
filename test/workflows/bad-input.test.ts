import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TASK_QUEUE, monthEndId } from '../../src/contracts/ids.ts';
import { WORKFLOWS } from '../../src/contracts/month-end-types.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { invoicesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { closed, createWorld, type World } from '../_util/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
});
afterAll(() => world[Symbol.asyncDispose]());

const start = (workflowType: string, workflowId: string, args: unknown[]) =>
  world.client.workflow.start(workflowType, { workflowId, taskQueue: TASK_QUEUE, args });

// This test comes first: it needs a time without workers.
test('refuses a mistyped signal that arrived before the first workflow task', async () => {
  await requestMonthEnd(world.client, { month: '2026-03', requestId: 'r1', actor: 'test' });
  await world.client.workflow.getHandle(monthEndId('2026-03')).signal('forceRerun');

  await world.startWorker();

  const { totals, refusals } = await closed(world, '2026-03');
  expect(totals).toEqual({
    rolled: 1,
    adjusted: 0,
    skipped: 0,
    unchanged: 0,
    nothing_to_bill: 0,
    parked: 0,
  });
  expect(refusals).toMatchObject([{ signal: 'forceRerun' }]);
});

describe('an invalid input fails the workflow with the reason', () => {
  test.each([
    ['monthEnd', [], /needs "month"/],
    ['monthEnd', [null], /needs "month"/],
    ['monthEnd', [{ month: 202605 }], /needs "month"/],
    ['monthEnd', [{ month: 'May' }], /May/],
    ['monthEnd', [{ month: '2000-01' }], /nothing to bill/],
    ['monthEnd', [{ month: '2199-01' }], /not over yet/],
    ['monthEnd', [{ month: MONTH, options: { maxChildren: 0 } }], /maxChildren/],
    ['monthEnd', [{ month: MONTH, options: { pageSize: 0 } }], /pageSize/],
    ['monthEnd', [{ month: MONTH, options: { pageSize: 'abc' } }], /pageSize/],
    ['monthEnd', [{ month: MONTH, options: { openForDays: 1e12 } }], /openForDays/],
    ['monthEnd', [{ month: MONTH, options: { tenantTimeoutSeconds: -5 } }], /tenantTimeoutSeconds/],
    ['monthEnd', [{ month: MONTH, options: { continueAsNewAfterEvents: 0 } }], /continueAsNew/],
    ['monthEnd', [{ month: MONTH, options: { maxChilds: 5 } }], /unknown option maxChilds/],
    ['tenantInvoice', [], /needs "month"/],
    ['tenantInvoice', [{ month: MONTH }], /needs "tenantIds"/],
    ['tenantInvoice', [{ month: MONTH, tenantIds: [] }], /needs "tenantIds"/],
    ['tenantInvoice', [{ month: MONTH, tenantIds: ['nobody'] }], /no tenant nobody/],
    ['tenantInvoice', [{ month: '2199-01', tenantIds: ['acme'] }], /not over yet/],
    ['scheduledMonthEnd', [{ options: { pageSize: -1 } }], /pageSize/],
  ])('%s %j', async (workflowType, args, reason) => {
    const handle = await start(workflowType, `by-hand-${workflowType}`, args);
    await expect(handle.result()).rejects.toMatchObject({
      cause: { message: expect.stringMatching(reason) },
    });
  });

  test('scheduledMonthEnd can be started by hand without input', async () => {
    const handle = await start(WORKFLOWS.scheduledMonthEnd, 'by-hand', [null]);
    expect(await handle.result()).toMatchObject({ month: expect.stringMatching(/^\d{4}-\d{2}$/) });
  });
});

test('a month that is started by hand without a signal is closed', async () => {
  await start(WORKFLOWS.monthEnd, monthEndId(MONTH), [{ month: MONTH }]);
  expect((await closed(world, MONTH)).totals).toMatchObject({ rolled: 1, parked: 0 });
  expect(await invoicesOf(world.db, 'acme')).toContainEqual(
    expect.objectContaining({ month: MONTH, status: 'issued' }),
  );
});
