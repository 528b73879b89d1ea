import { TASK_QUEUE } from '../contracts/ids.ts';
import { WORKFLOWS } from '../contracts/month-end-types.ts';
import { Temporal } from 'temporal-polyfill';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import { nextMonth } from '../domain/period.ts';
import type { ScheduleFacts } from '../temporal/schedule-facts.ts';
import type { Finding, FindingCode } from './watchdog-finding.ts';
import type { PollingWorker } from '../temporal/worker-versions.ts';

/** How late a firing may be; a server catches up within seconds after an outage. */
const GRACE_MS = 15 * 60_000;

/**
 * Returns findings about the Schedule. Pure.
 * @param schedule null: there is none
 */
export function judgeSchedule(
  schedule: ScheduleFacts | null,
  now: Date,
  calendar: BillingCalendar,
): readonly Finding[] {
  if (schedule === null) {
    return [finding('schedule_missing', 'there is no Schedule: nothing will close the month')];
  }
  const elsewhere = wrongAims(schedule, now, calendar).map((aim) =>
    finding('schedule_points_elsewhere', `the Schedule is not ours: ${aim}`),
  );
  if (schedule.isPaused) {
    return [...elsewhere, finding('schedule_paused', 'the Schedule is paused: it will not fire')];
  }
  // It is unknown when a Schedule that isn't ours should have fired.
  const silence = elsewhere.length === 0 ? whySilent(schedule, now, calendar) : null;
  return silence === null ? elsewhere : [finding('schedule_silent', silence)];
}

/** Returns what is wrong with the Schedule, naming the expected values: the actual ones can be any text. */
function wrongAims(
  { workflowType, taskQueue, nextActionTimes }: ScheduleFacts,
  now: Date,
  calendar: BillingCalendar,
) {
  return [
    ...(workflowType === WORKFLOWS.scheduledMonthEnd
      ? []
      : [`it does not start ${WORKFLOWS.scheduledMonthEnd}`]),
    ...(taskQueue === TASK_QUEUE ? [] : [`its task queue is not ${TASK_QUEUE}`]),
    ...(firesEveryFirst(nextActionTimes, now, calendar)
      ? []
      : [`it does not fire on the first of each month at one time of day in ${calendar.timeZone}`]),
  ];
}

/**
 * Returns whether the Schedule fires on the first of every month, at one local time of day: in another time zone, that
 * time would change with daylight saving. Checks the times instead of the definition,
 * which can express the same times in many ways (calendars, cron, time zones).
 */
function firesEveryFirst(
  times: readonly Date[],
  now: Date,
  { monthOf, dateOf, timeZone }: BillingCalendar,
): boolean {
  let expected: string | null = null;
  const timesOfDay = times.map((time) => toLocal(time, timeZone).toPlainTime().toString());
  if (new Set(timesOfDay).size > 1) return false;
  return times.every((time) => {
    const month = monthOf(time);
    // The first one is in this month or the next.
    const isExpected = expected === null ? month <= nextMonth(monthOf(now)) : month === expected;
    expected = nextMonth(month);
    return isExpected && dateOf(time).endsWith('-01');
  });
}

/**
 * Returns a message if the Schedule did not fire when it was due. A Schedule can fail silently: it exists, is
 * not paused and has a next time, but doesn't fire (temporalio/temporal#11869).
 */
function whySilent(schedule: ScheduleFacts, now: Date, calendar: BillingCalendar): string | null {
  const [next] = schedule.nextActionTimes;
  if (next === undefined) return 'the Schedule has no next time: it will never fire';
  const lastDue = next < now ? next : firstBefore(now, next, calendar);
  const isOverdue = now.getTime() - lastDue.getTime() > GRACE_MS;
  if (!isOverdue || lastDue <= schedule.definedAt) return null;
  if (schedule.recentActionTimes.some((time) => time >= lastDue)) return null;
  return `the Schedule was to fire at ${lastDue.toISOString()} and has not`;
}

/** Returns the latest first of a month that isn't after `now`, at the local time of day of `sameTime`. */
function firstBefore(now: Date, sameTime: Date, { timeZone }: BillingCalendar): Date {
  const local = toLocal(sameTime, timeZone);
  const at = ({ year, month }: { readonly year: number; readonly month: number }) =>
    local.with({ year, month });
  const today = toLocal(now, timeZone);
  const thisMonth = at(today);
  const isPast = thisMonth.epochMilliseconds <= now.getTime();
  return new Date((isPast ? thisMonth : at(today.subtract({ months: 1 }))).epochMilliseconds);
}

function toLocal(time: Date, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(time.getTime()).toZonedDateTimeISO(timeZone);
}

function finding(code: FindingCode, detail: string): Finding {
  return { code, month: null, detail };
}

/** Returns a finding if no current worker polls the task queue. Pure. */
export function judgeWorkers(workers: readonly PollingWorker[]): readonly Finding[] {
  if (workers.some(({ isCurrent }) => isCurrent)) return [];
  const detail =
    workers.length > 0
      ? 'workers poll, but none of the build that gets tasks: what is asked for waits'
      : `no worker polls the task queue ${TASK_QUEUE}: what is asked for waits`;
  return [{ code: 'no_worker', month: null, detail }];
}
