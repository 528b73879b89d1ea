import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleHandle,
  type ScheduleOptions,
} from '@temporalio/client';
import {
  DAILY_NOTICES_ID,
  NOTICES_SCHEDULE_ID,
  SCHEDULE_ID,
  SCHEDULED_MONTH_END_ID,
  SWEEP_SCHEDULE_ID,
  TASK_QUEUE,
  USAGE_SWEEP_ID,
} from '../contracts/ids.ts';
import {
  WORKFLOWS,
  type MonthEndOptions,
  type ScheduledMonthEndInput,
} from '../contracts/month-end-types.ts';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import { nextMonth, type Month } from '../domain/period.ts';

/**
 * Firings don't wait for each other. A scheduled workflow only requests the month, and all requests for a month go to
 * that month's one workflow, where PostgreSQL decides. SKIP would drop a trigger that comes while no worker runs; a
 * buffering policy would delay it out of sight.
 */
const OVERLAP = ScheduleOverlapPolicy.ALLOW_ALL;

/**
 * The server catches up on a missed firing, however late. The firing bills the month that it was scheduled for, from
 * the state at that month's end. (Firings during a pause are skipped on purpose; use `backfillMonth` for those.)
 */
const CATCHUP_WINDOW = '365 days';

/** The time at which the month is closed, and the options for it. */
export interface MonthEndSchedule {
  /** Local time on the first of the month. By default 06:00, so that metering has caught up. */
  readonly hour?: number;
  readonly minute?: number;
  readonly options?: MonthEndOptions;
}

/** There is no Schedule yet. */
export class NoScheduleError extends Error {
  override readonly name = 'NoScheduleError';
}

/**
 * Creates the Schedule, or updates it. It fires in the billing time zone. A paused Schedule stays paused: the operator
 * who paused it had a reason that a deployment doesn't know.
 */
export function applySchedule(
  client: Client,
  timeZone: string,
  schedule: MonthEndSchedule = {},
): Promise<'created' | 'updated'> {
  return createOrUpdate(client, SCHEDULE_ID, define(timeZone, schedule));
}

/** The hour of the daily notices in the billing time zone: receivers act on them in the morning. */
export const NOTICES_HOUR = 8;

/** Does the same for the Schedule of the daily notices (docs/spec.md#due-dates-and-payments). */
export function applyNoticesSchedule(
  client: Client,
  timeZone: string,
): Promise<'created' | 'updated'> {
  return createOrUpdate(client, NOTICES_SCHEDULE_ID, {
    spec: {
      calendars: [{ hour: NOTICES_HOUR, comment: 'Reports overdue invoices every day' }],
      timezone: timeZone,
    },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOWS.dailyNotices,
      workflowId: DAILY_NOTICES_ID,
      taskQueue: TASK_QUEUE,
      args: [],
      staticSummary: 'Writes the webhook events that are due today',
    },
    // A run writes all that is due, so a missed or overlapping one needs no run of its own.
    policies: {
      overlap: ScheduleOverlapPolicy.SKIP,
      catchupWindow: '1 day',
      pauseOnFailure: false,
    },
  });
}

/** Minutes between sweeps, unless the Schedule is applied with others. */
export const SWEEP_MINUTES = { min: 1, max: 60, byDefault: 5 } as const;

/**
 * Does the same for the Schedule of the usage sweep (docs/spec.md#spend-thresholds).
 * @param minutes between two sweeps
 */
export function applySweepSchedule(
  client: Client,
  minutes: number = SWEEP_MINUTES.byDefault,
): Promise<'created' | 'updated'> {
  return createOrUpdate(client, SWEEP_SCHEDULE_ID, {
    spec: { intervals: [{ every: `${minutes} minutes` }] },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOWS.usageSweep,
      workflowId: USAGE_SWEEP_ID,
      taskQueue: TASK_QUEUE,
      args: [],
      staticSummary: 'Looks at the usage of the running month',
      // A run that is stuck would skip all that come after it.
      workflowRunTimeout: '1 hour',
    },
    // A sweep looks at everything, so a missed or overlapping one needs no run of its own.
    policies: {
      overlap: ScheduleOverlapPolicy.SKIP,
      catchupWindow: '1 minute',
      pauseOnFailure: false,
    },
  });
}

type Definition = Omit<ScheduleOptions, 'scheduleId'>;

async function createOrUpdate(
  client: Client,
  scheduleId: string,
  definition: Definition & Required<Pick<Definition, 'policies'>>,
): Promise<'created' | 'updated'> {
  try {
    await client.schedule.create({ scheduleId, ...definition });
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(scheduleId);
    await handle.update(({ state }) => ({ ...definition, state }));
    return 'updated';
  }
}

function define(timeZone: string, { hour = 6, minute = 0, options }: MonthEndSchedule) {
  const input: ScheduledMonthEndInput = options ? { options } : {};
  return {
    spec: {
      calendars: [
        { dayOfMonth: 1, hour, minute, comment: 'Closes the previous month on the first' },
      ],
      timezone: timeZone,
    },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOWS.scheduledMonthEnd,
      workflowId: SCHEDULED_MONTH_END_ID,
      taskQueue: TASK_QUEUE,
      args: [input],
      staticSummary: 'Requests the month before the scheduled time',
    },
    policies: { overlap: OVERLAP, catchupWindow: CATCHUP_WINDOW, pauseOnFailure: false },
  } satisfies Definition;
}

/** @throws NoScheduleError */
export function pauseSchedule(client: Client, note: string): Promise<void> {
  return orNoSchedule(handleOf(client).pause(note));
}

/** @throws NoScheduleError */
export function resumeSchedule(client: Client, note: string): Promise<void> {
  return orNoSchedule(handleOf(client).unpause(note));
}

/** @throws NoScheduleError */
export function describeSchedule(
  client: Client,
  scheduleId = SCHEDULE_ID,
): Promise<ScheduleDescription> {
  return orNoSchedule(client.schedule.getHandle(scheduleId).describe(), scheduleId);
}

/**
 * Fires the Schedule now, even if it is paused. It closes the previous month.
 * @throws NoScheduleError
 */
export function triggerSchedule(client: Client): Promise<void> {
  return orNoSchedule(handleOf(client).trigger(OVERLAP));
}

/**
 * Repeats the firing that should have closed a month.
 * @throws NoScheduleError, DomainError `invalid_month`
 */
export async function backfillMonth(
  client: Client,
  { periodOf }: BillingCalendar,
  month: Month,
): Promise<void> {
  // The Schedule fires on the first day of the next month. The start of the range is exclusive.
  const { startsAt } = periodOf(nextMonth(month));
  const start = Date.parse(startsAt);
  await orNoSchedule(
    handleOf(client).backfill({
      start: new Date(start - 1000),
      end: new Date(start + 24 * 60 * 60 * 1000 - 1000),
      overlap: OVERLAP,
    }),
  );
}

function handleOf(client: Client): ScheduleHandle {
  return client.schedule.getHandle(SCHEDULE_ID);
}

async function orNoSchedule<T>(answer: Promise<T>, scheduleId = SCHEDULE_ID): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new NoScheduleError(
      `There is no Schedule "${scheduleId}" in this namespace yet: create it with \`schedule apply\``,
      { cause: error },
    );
  }
}
