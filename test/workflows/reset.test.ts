import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { RequestScheduledMonthResult } from '../../src/contracts/activity-types.ts';
import { SCHEDULED_MONTH_END_ID, TASK_QUEUE, monthEndId } from '../../src/contracts/ids.ts';
import { WORKFLOWS, type MonthEndOptions } from '../../src/contracts/month-end-types.ts';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { sql } from '../../src/db/sql.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, monthEndHandle, progressOf, type World } from '../_util/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'globex');
  await world.startWorker();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Resets a run to the end of its first workflow task: every later signal is re-applied. */
async function reset(handle: WorkflowHandle, runId?: string): Promise<void> {
  const { client } = world;
  const { namespace } = client.options;
  const workflowExecution = { workflowId: handle.workflowId, runId: runId ?? '' };
  const task = await until(
    async () => {
      const { events } = await client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
      return events?.find((event) => event.workflowTaskCompletedEventAttributes);
    },
    (event) => event !== undefined,
  );
  await client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution,
    workflowTaskFinishEventId: task!.eventId!,
    requestId: crypto.randomUUID(),
    reason: 'test',
  });
}

const requestsOf = (month: string) =>
  world.db.any(sql.type(
    z.object({ requestId: z.string(), state: z.string(), kind: z.string() }),
  )`SELECT request_id AS "requestId", state, kind FROM month_end_requests
    WHERE period_start = ${`${month}-01`} ORDER BY request_seq`);

let marks = 0;
/** Waits until all earlier signals of the month are served: signals are accepted in order. */
async function settled(month: string, options?: MonthEndOptions): Promise<void> {
  marks += 1;
  const requestId = `mark-${marks}`;
  await requestMonthEnd(world.client, { month, requestId, actor: 'test', options });
  await until(
    () => requestsOf(month),
    (requests) => requests.some((r) => r.requestId === requestId && r.state === 'finished'),
  );
  await closed(world, month);
}

const forcesOf = async (month: string) =>
  (await requestsOf(month)).filter(({ kind }) => kind === 'force');
/** The recorded actions of the forced requests: one each, however often the signal is re-applied. */
const forcesOnRecord = async () => {
  const filter = { action: 'forceReRun' };
  const actions = await listOperatorActions(world.db, filter, { after: null, limit: 100 });
  return actions.map(({ action_id, tenant_ids, reason }) => ({ action_id, tenant_ids, reason }));
};

test('a forced rerun without a request id makes one revision, however often the workflow is reset', async () => {
  const month = '2026-05';
  await settled(month);
  const handle = monthEndHandle(world, month);
  const force = { tenantIds: ['acme'], reason: 'metering came late' };
  await handle.signal('forceReRun', force);
  await settled(month);
  const onlyIfChanged = { ...force, tenantIds: ['globex'], onlyIfChanged: true };
  await handle.signal('forceReRun', onlyIfChanged);
  await settled(month);
  const before = await invoicesOf(world.db);
  const onRecord = await forcesOnRecord();
  expect(onRecord).toMatchObject([
    { tenant_ids: ['globex'], reason: force.reason },
    { tenant_ids: ['acme'], reason: force.reason },
  ]);
  expect(before.map(({ revision }) => revision).toSorted()).toEqual([1, 1, 2]);

  for (let n = 0; n < 3; n += 1) {
    await reset(handle);
    await settled(month);
    expect(await invoicesOf(world.db)).toEqual(before);
    expect(await forcesOnRecord()).toEqual(onRecord);
  }
  expect(await forcesOf(month)).toHaveLength(2);

  // The same signal sent again is a new request.
  await handle.signal('forceReRun', force);
  await settled(month);
  expect(await invoicesOf(world.db)).toHaveLength(before.length + 1);
  await reset(handle);
  await settled(month);
  expect(await invoicesOf(world.db)).toHaveLength(before.length + 1);
  await expectSoundBooks(world.db);
});

test('signals that arrived together keep their ids after a reset', async () => {
  const month = '2026-04';
  await settled(month);
  const handle = monthEndHandle(world, month);
  const signals = ['a', 'b', 'a', 'a', 'b'].map((reason) => ({ tenantIds: ['acme'], reason }));
  await Promise.all(signals.map((signal) => handle.signal('forceReRun', signal)));
  await settled(month);
  const before = [await invoicesOf(world.db), await forcesOf(month)];
  expect(before[1]).toHaveLength(signals.length);

  await reset(handle);
  await settled(month);
  expect([await invoicesOf(world.db), await forcesOf(month)]).toEqual(before);
});

test('resetting a run before or after a continue-as-new makes no second revision', async () => {
  const month = '2026-03';
  const options = { continueAsNewAfterEvents: 10 };
  await settled(month, options);
  const handle = monthEndHandle(world, month);
  const runs = new Set([(await handle.describe()).runId]);
  for (const reason of ['a', 'b', 'b']) {
    await handle.signal('forceReRun', { tenantIds: ['acme'], reason });
    await settled(month, options);
    runs.add((await handle.describe()).runId);
  }
  expect(runs.size).toBeGreaterThan(2);
  const before = [await invoicesOf(world.db), await forcesOf(month)];
  expect(before[1]).toHaveLength(3);

  const [first, second] = runs;
  for (const runId of [first, undefined, second]) {
    await reset(handle, runId);
    await settled(month, options);
    expect([await invoicesOf(world.db), await forcesOf(month)]).toEqual(before);
  }
});

test('a month that was started by hand makes one request, also after a reset', async () => {
  const month = '2026-02';
  const handle = await world.client.workflow.start(WORKFLOWS.monthEnd, {
    workflowId: monthEndId(month),
    taskQueue: TASK_QUEUE,
    args: [{ month }],
  });
  await closed(world, month);
  await reset(handle);
  // Before it receives any other signal.
  await until(
    () => progressOf(world, month),
    ({ refusals }) => refusals.some(({ reason }) => reason.includes('was already served')),
  );
  await settled(month);
  expect(await requestsOf(month)).toHaveLength(2);
});

test('a firing of the Schedule makes one request, also after a reset', async () => {
  const handle = await world.client.workflow.start(WORKFLOWS.scheduledMonthEnd, {
    workflowId: SCHEDULED_MONTH_END_ID,
    taskQueue: TASK_QUEUE,
    args: [{}],
  });
  const { month } = (await handle.result()) as RequestScheduledMonthResult;
  await closed(world, month);
  await reset(handle);
  const again = world.client.workflow.getHandle(SCHEDULED_MONTH_END_ID);
  expect(await again.result()).toMatchObject({ month });
  await settled(month);
  expect(await requestsOf(month)).toHaveLength(2);
});
