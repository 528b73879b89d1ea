import { afterAll, beforeAll, expect, test } from 'vitest';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import {
  NOTICES_SCHEDULE_ID,
  SCHEDULE_ID,
  SCHEDULED_MONTH_END_ID,
  SWEEP_SCHEDULE_ID,
  TASK_QUEUE,
  USAGE_SWEEP_ID,
} from '../../src/contracts/ids.ts';
import { WORKFLOWS } from '../../src/contracts/month-end-types.ts';
import { UTC, monthBefore } from '../_util/utc.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import {
  applyNoticesSchedule,
  applySchedule,
  applySweepSchedule,
  backfillMonth,
  triggerSchedule,
} from '../../src/temporal/schedule.ts';
import { expectSoundBooks, invoicesOf, outcomesOf } from '../_util/books.ts';
import { seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { setThreshold } from '../../src/db/usage/spend-thresholds.ts';
import { outboxOf, register } from '../webhooks/_receiving.ts';

/** The month that a trigger bills: the one before now. */
const month = monthBefore(new Date());

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  for (let n = 1; n <= 12; n += 1) {
    const tenantId = `tenant-${n}`;
    await seedTenant(world.db, tenantId);
    await seedUsage(world.db, {
      tenantId,
      deploymentId: `${tenantId}-a`,
      kind: 'llm_usage',
      amount: '100.4',
      month,
    });
  }
  await applySchedule(world.client, 'UTC');
});
afterAll(() => world[Symbol.asyncDispose]());

/** Waits until this many `scheduledMonthEnd` workflows exist, or have completed. */
function fired(times: number, status: 'Running' | 'Completed' = 'Completed') {
  return until(
    async () => {
      const { count } = await world.client.workflow.count(
        `WorkflowType = 'scheduledMonthEnd' AND ExecutionStatus = '${status}'`,
      );
      return count;
    },
    (count) => count >= times,
  );
}

test('three triggers at once, an API request and a backfill make one invoice per tenant', async () => {
  const trigger = () => triggerSchedule(world.client);
  // A Schedule loses triggers of the same second (temporalio/temporal#3614), so the
  // test starts the workflows of the others itself.
  const start = (n: number) =>
    world.client.workflow.start('scheduledMonthEnd', {
      workflowId: `${SCHEDULED_MONTH_END_ID}-again-${n}`,
      taskQueue: 'arcadia-invoicing',
      args: [{}],
    });
  await Promise.all([trigger(), start(1), start(2), start(3)]);
  await requestMonthEnd(world.client, { month, requestId: 'api', actor: 'test' });
  // It also loses a backfill that comes together with a trigger.
  await fired(4, 'Running');
  await backfillMonth(world.client, UTC, month);

  // All of it while no worker runs, and then two at once.
  await Promise.all([world.startWorker(), world.startWorker()]);
  await fired(5);
  await closed(world, month);

  const invoices = await invoicesOf(world.db);
  expect(invoices).toHaveLength(12);
  expect(invoices.every(({ revision, status }) => revision === 1 && status === 'issued')).toBe(
    true,
  );
  expect(invoices.every(({ subtotalCents }) => subtotalCents === 5100)).toBe(true);
  await expectSoundBooks(world.db);

  await requestMonthEnd(world.client, { month, requestId: 'once-more', actor: 'test' });
  expect((await closed(world, month)).totals).toEqual({
    rolled: 0,
    adjusted: 0,
    skipped: 12,
    unchanged: 0,
    nothing_to_bill: 0,
    parked: 0,
  });
  expect(await invoicesOf(world.db)).toEqual(invoices);
  expect((await outcomesOf(world.db, month)).map(({ invoiceId }) => invoiceId).toSorted()).toEqual(
    invoices.map(({ invoiceId }) => invoiceId).toSorted(),
  );
});

test('a late run bills the month that it was scheduled for', async () => {
  // The firing of 1 March 2026, caught up today.
  await backfillMonth(world.client, UTC, '2026-02');

  await closed(world, '2026-02');

  const february = (await invoicesOf(world.db)).filter((invoice) => invoice.month === '2026-02');
  expect(february).toHaveLength(12);
  expect(february.every(({ subtotalCents }) => subtotalCents === 5000)).toBe(true);
});

test('applying the Schedule again updates it in place', async () => {
  await applySchedule(world.client, 'UTC', { hour: 7 });
  const { spec, policies } = await world.client.schedule.getHandle(SCHEDULE_ID).describe();
  expect(spec.calendars?.[0]).toMatchObject({
    dayOfMonth: [{ start: 1, end: 1 }],
    hour: [{ start: 7, end: 7 }],
  });
  expect(policies).toMatchObject({ overlap: 'ALLOW_ALL', pauseOnFailure: false });
});

test('the Schedule of the daily notices reports each overdue invoice once', async () => {
  await register(world.db);
  expect(await applyNoticesSchedule(world.client, 'UTC')).toBe('created');
  expect(await applyNoticesSchedule(world.client, 'UTC')).toBe('updated');
  const schedule = world.client.schedule.getHandle(NOTICES_SCHEDULE_ID);
  const { spec, policies } = await schedule.describe();
  expect(spec.calendars?.[0]).toMatchObject({
    hour: [{ start: 8, end: 8 }],
    dayOfMonth: [{ start: 1, end: 31 }],
  });
  expect(policies).toMatchObject({ overlap: 'SKIP', pauseOnFailure: false });

  // Two of the invoices are past their due date.
  const late = ['tenant-1', 'tenant-2'];
  await asSuperuser(world.superuserUrl, async (client) => {
    await client.query('SET session_replication_role = replica');
    await client.query(
      `WITH late AS (
        UPDATE invoices SET issued_on = issued_on - 60
        WHERE tenant_id = ANY($1) AND period_start = $2::date RETURNING tenant_id, period_start
      )
      UPDATE releases r SET released_on = r.released_on - 60 FROM late
      WHERE (r.tenant_id, r.period_start) = (late.tenant_id, late.period_start)`,
      [late, `${month}-01`],
    );
  });
  for (const times of [1, 2]) {
    await schedule.trigger();
    await until(
      async () => {
        const { count } = await world.client.workflow.count(
          `WorkflowType = 'dailyNotices' AND ExecutionStatus = 'Completed'`,
        );
        return count;
      },
      (count) => count >= times,
    );
    const overdue = (await outboxOf(world.db)).filter(({ type }) => type === 'invoice.overdue');
    expect(overdue.map(({ tenantId }) => tenantId).toSorted()).toEqual(late);
  }
});

test('the Schedule of the usage sweep reports each reached threshold once', async () => {
  await register(world.db);
  for (const tenantId of ['tenant-3', 'tenant-4']) {
    const limit = { amountCents: 5000, percentOfPlan: null };
    await setThreshold(world.db, { tenantId, thresholdId: 'plan', limit, actor: 'test' });
  }
  expect(await applySweepSchedule(world.client)).toBe('created');
  expect(await applySweepSchedule(world.client, 60)).toBe('updated');
  const schedule = world.client.schedule.getHandle(SWEEP_SCHEDULE_ID);
  const { spec, policies } = await schedule.describe();
  expect(spec.intervals).toMatchObject([{ every: 3_600_000 }]);
  expect(policies).toMatchObject({ overlap: 'SKIP', pauseOnFailure: false });

  /** By tenant and month: in the first hour of a month, the sweep looks at two of them. */
  const reached = async () => {
    const events = await outboxOf(world.db);
    return events.flatMap(({ type, tenantId, data }) =>
      type === 'usage.threshold_reached' ? `${tenantId} ${String(data.month)}` : [],
    );
  };
  await schedule.trigger();
  await until(reached, (found) => found.length > 0);
  // Not by another trigger, which could be lost in the same second.
  await world.client.workflow.execute(WORKFLOWS.usageSweep, {
    workflowId: `${USAGE_SWEEP_ID}-again`,
    taskQueue: TASK_QUEUE,
  });
  const found = await reached();
  expect(found).toHaveLength(new Set(found).size);
  expect(new Set(found.map((key) => key.split(' ')[0]))).toEqual(new Set(['tenant-3', 'tenant-4']));
});
