import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleHandle,
  type ScheduleOptions,
} from '@temporalio/client';
import { SCHEDULE_ID, SCHEDULED_MONTH_END_ID, TASK_QUEUE } from '../contracts/ids.ts';
import {
  WORKFLOWS,
  type MonthEndOptions,
  type ScheduledMonthEndInput,
} from '../contracts/month-end-types.ts';
import { nextMonth, periodOf, type Month } from '../domain/period.ts';

/**
 * Every firing counts, and none waits for another: what the Schedule starts only asks for the
 * month, and requests for the same month meet in the one workflow of that month, where PostgreSQL
 * decides. With SKIP a trigger that comes while no worker runs would be dropped; with a buffering
 * policy it would wait where nobody sees it.
 */
const OVERLAP = ScheduleOverlapPolicy.ALLOW_ALL;

/**
 * A firing that the server missed is made up for however late it is: it bills the month that it
 * was scheduled for, from what held at that month's end. (Firings that fall into a pause are
 * skipped on purpose; `backfillMonth` makes up for those.)
 */
const CATCHUP_WINDOW = '365 days';

/** When the month is closed, and how. */
export interface MonthEndSchedule {
  /** UTC, on the first of the month. By default 06:00, so that the meters have caught up. */
  readonly hour?: number;
  readonly minute?: number;
  readonly options?: MonthEndOptions;
}

/** There is no Schedule yet. */
export class NoScheduleError extends Error {
  override readonly name = 'NoScheduleError';
}

/**
 * Creates the Schedule, or brings it up to date. One that is paused stays paused: whoever paused
 * it had a reason that a deployment doesn't know.
 */
export async function applySchedule(
  client: Client,
  schedule: MonthEndSchedule = {},
): Promise<'created' | 'updated'> {
  const definition = define(schedule);
  try {
    await client.schedule.create({ scheduleId: SCHEDULE_ID, ...definition });
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await handleOf(client).update(({ state }) => ({ ...definition, state }));
    return 'updated';
  }
}

function define({ hour = 6, minute = 0, options }: MonthEndSchedule) {
  const input: ScheduledMonthEndInput = options ? { options } : {};
  return {
    spec: {
      calendars: [
        { dayOfMonth: 1, hour, minute, comment: 'The first of the month: closes the month before' },
      ],
      timezone: 'UTC',
    },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOWS.scheduledMonthEnd,
      workflowId: SCHEDULED_MONTH_END_ID,
      taskQueue: TASK_QUEUE,
      args: [input],
      staticSummary: 'Asks for the month before the scheduled time',
    },
    policies: { overlap: OVERLAP, catchupWindow: CATCHUP_WINDOW, pauseOnFailure: false },
  } satisfies Omit<ScheduleOptions, 'scheduleId'>;
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
export function describeSchedule(client: Client): Promise<ScheduleDescription> {
  return orNoSchedule(handleOf(client).describe());
}

/**
 * Fires the Schedule now, paused or not: it closes the month before this one.
 * @throws NoScheduleError
 */
export function triggerSchedule(client: Client): Promise<void> {
  return orNoSchedule(handleOf(client).trigger(OVERLAP));
}

/**
 * Makes up for the firing that should have closed a month.
 * @throws NoScheduleError, DomainError `invalid_month`
 */
export async function backfillMonth(client: Client, month: Month): Promise<void> {
  // It fires on the first day of the month after. The start of the range is exclusive.
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

async function orNoSchedule<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new NoScheduleError(
      `There is no Schedule "${SCHEDULE_ID}" in this namespace yet: create it with \`schedule apply\``,
      { cause: error },
    );
  }
}
