import { readKeyExpiry } from '../db/access/api-keys.ts';
import {
  countParkedReasons,
  type ParkedReason,
  readMonthFacts,
  type MonthFacts,
} from '../db/month-end/watchdog-facts.ts';
import type { Queryable } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import type { Month } from '../domain/period.ts';
import type { PollingWorker } from '../temporal/worker-versions.ts';
import type { ScheduleFacts } from '../temporal/schedule-facts.ts';
import type { MonthRun } from '../temporal/month-runs.ts';
import { explainLostRun, findLostRuns, type LostRun } from './lost-runs.ts';
import type { Finding } from './watchdog-finding.ts';
import { judgeMonths, type WatchdogLimits } from './watchdog-months.ts';
import { judgeSchedule, judgeWorkers } from './watchdog-temporal.ts';

/** What the watchdog checks. */
export interface WatchdogSources {
  readonly db: Queryable;
  /** Returns null if there is no Schedule. */
  readonly readSchedule: () => Promise<ScheduleFacts | null>;
  /** Lists the workers that poll our task queue. */
  readonly listWorkers: () => Promise<readonly PollingWorker[]>;
  /** Asks Temporal about the runs of at least these months. */
  readonly readRuns: (months: readonly Month[]) => Promise<readonly MonthRun[]>;
  readonly limits: WatchdogLimits;
  readonly now: () => Date;
}

/** The result of one check. */
export interface WatchdogReport {
  readonly checkedAt: Date;
  readonly findings: readonly Finding[];
  /** Null if the database couldn't be read. */
  readonly books: BooksFacts | null;
  /** Null if Temporal couldn't be reached. */
  readonly temporal: TemporalFacts | null;
  /** Why something couldn't be read. For the log only, because errors can contain addresses. */
  readonly errors: readonly unknown[];
}

/** Facts from the database. */
export interface BooksFacts {
  /** The last month that should be closed. */
  readonly lastMonth: Month;
  /** The instant at which that month ended, in UTC. */
  readonly lastMonthEndsAt: string;
  /** The months that were checked. */
  readonly months: readonly MonthFacts[];
  /** Reasons for parked tenants of the last month. */
  readonly parkedReasons: readonly ParkedReason[];
  /** Earliest expiry among keys without a replacement; null: none expires. */
  readonly keyExpiresAt: string | null;
}

/** Facts from Temporal. */
export interface TemporalFacts {
  /** Null: there is no Schedule. */
  readonly schedule: ScheduleFacts | null;
  readonly workers: readonly PollingWorker[];
}

/** Performs one check of everything. A source that can't be read is a finding, never an error. */
export async function lookAround(sources: WatchdogSources): Promise<WatchdogReport> {
  const { db, limits, now } = sources;
  const checkedAt = now();
  const [books, temporal, lost] = await Promise.allSettled([
    readBooks(db, checkedAt),
    askTemporal(sources),
    findLostRuns(db, sources.readRuns),
  ]);
  const calendar = books.status === 'fulfilled' ? books.value.calendar : null;
  const isReachable = books.status === 'fulfilled' && temporal.status === 'fulfilled';
  return {
    checkedAt,
    books: books.status === 'fulfilled' ? books.value.facts : null,
    temporal: temporal.status === 'fulfilled' ? temporal.value : null,
    findings: [
      ...(books.status === 'fulfilled'
        ? judgeMonths(books.value.facts.months, checkedAt, limits, books.value.calendar)
        : [DATABASE_UNREACHABLE]),
      ...(temporal.status === 'fulfilled'
        ? [
            // When the Schedule should fire depends on the calendar.
            ...(calendar ? judgeSchedule(temporal.value.schedule, checkedAt, calendar) : []),
            ...judgeWorkers(temporal.value.workers),
          ]
        : [TEMPORAL_UNREACHABLE]),
      ...(lost.status === 'fulfilled' ? lost.value.flatMap(judgeLostRun) : []),
    ],
    // Otherwise the third reading fails for a reason that the others give.
    errors: [books, temporal, ...(isReachable ? [lost] : [])].flatMap((reading) =>
      reading.status === 'rejected' ? [reading.reason as unknown] : [],
    ),
  };
}

/** Returns the findings about a month whose run was lost. */
export function judgeLostRun(run: LostRun): readonly Finding[] {
  const detail = explainLostRun(run).join('; ');
  return [{ code: 'run_lost', month: run.month, detail }];
}

async function readBooks(db: Queryable, at: Date) {
  const calendar = await loadCalendar(db);
  const lastMonth = calendar.monthBefore(at);
  const period = calendar.periodOf(lastMonth);
  const facts: BooksFacts = {
    lastMonth,
    lastMonthEndsAt: period.endsAt,
    months: await readMonthFacts(db, lastMonth),
    parkedReasons: await countParkedReasons(db, period),
    keyExpiresAt: await readKeyExpiry(db, at),
  };
  return { calendar, facts };
}

async function askTemporal(sources: WatchdogSources): Promise<TemporalFacts> {
  const [schedule, workers] = await Promise.all([sources.readSchedule(), sources.listWorkers()]);
  return { schedule, workers };
}

const DATABASE_UNREACHABLE: Finding = {
  code: 'database_unreachable',
  month: null,
  detail: 'the database cannot be read: it is unknown whether the month is closed',
};
const TEMPORAL_UNREACHABLE: Finding = {
  code: 'temporal_unreachable',
  month: null,
  detail: 'Temporal cannot be reached: it is unknown whether the Schedule exists and a worker runs',
};
