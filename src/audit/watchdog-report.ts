import type { Queryable } from '../db/pool.ts';
import { readMonthFacts, type MonthFacts } from '../db/watchdog.ts';
import { monthBefore, type Month } from '../domain/period.ts';
import type { ScheduleFacts } from '../temporal/schedule-facts.ts';
import type { Finding } from './watchdog-finding.ts';
import { judgeMonths, type WatchdogLimits } from './watchdog-months.ts';
import { judgeSchedule } from './watchdog-schedule.ts';

/** What the watchdog looks at. */
export interface WatchdogSources {
  readonly db: Queryable;
  /** Null where there is no Schedule. */
  readonly readSchedule: () => Promise<ScheduleFacts | null>;
  readonly limits: WatchdogLimits;
  readonly now: () => Date;
}

/** What one look has found. */
export interface WatchdogReport {
  readonly checkedAt: Date;
  readonly findings: readonly Finding[];
  /** The month that was to be closed last. */
  readonly lastMonth: Month;
  /** The months looked at; null where the database couldn't be read. */
  readonly months: readonly MonthFacts[] | null;
  /** Why something couldn't be read, for the log alone: errors know addresses. */
  readonly errors: readonly unknown[];
}

/** Looks at everything once. What can't be read is a finding, never an error. */
export async function lookAround(sources: WatchdogSources): Promise<WatchdogReport> {
  const { db, readSchedule, limits, now } = sources;
  const checkedAt = now();
  const lastMonth = monthBefore(checkedAt);
  const [months, schedule] = await Promise.allSettled([
    readMonthFacts(db, lastMonth),
    readSchedule(),
  ]);
  return {
    checkedAt,
    lastMonth,
    months: months.status === 'fulfilled' ? months.value : null,
    findings: [
      ...(months.status === 'fulfilled'
        ? judgeMonths(months.value, checkedAt, limits)
        : [DATABASE_UNREACHABLE]),
      ...(schedule.status === 'fulfilled'
        ? judgeSchedule(schedule.value, checkedAt)
        : [TEMPORAL_UNREACHABLE]),
    ],
    errors: [months, schedule].flatMap((reading) =>
      reading.status === 'rejected' ? [reading.reason as unknown] : [],
    ),
  };
}

const DATABASE_UNREACHABLE: Finding = {
  code: 'database_unreachable',
  month: null,
  detail: 'the database cannot be read: nobody knows whether the month is closed',
};
const TEMPORAL_UNREACHABLE: Finding = {
  code: 'temporal_unreachable',
  month: null,
  detail: 'Temporal cannot be asked: nobody knows whether the Schedule stands',
};
