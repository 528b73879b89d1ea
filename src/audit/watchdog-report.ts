import { readKeyExpiry } from '../db/access/api-keys.ts';
import {
  countParkedReasons,
  type ParkedReason,
  readMonthFacts,
  type MonthFacts,
} from '../db/month-end/watchdog-facts.ts';
import type { Queryable } from '../db/pool.ts';
import { monthBefore, periodOf, type Month } from '../domain/period.ts';
import type { PollingWorker } from '../temporal/worker-versions.ts';
import type { ScheduleFacts } from '../temporal/schedule-facts.ts';
import type { Finding } from './watchdog-finding.ts';
import { judgeMonths, type WatchdogLimits } from './watchdog-months.ts';
import { judgeSchedule, judgeWorkers } from './watchdog-temporal.ts';

/** What the watchdog looks at. */
export interface WatchdogSources {
  readonly db: Queryable;
  /** Null where there is no Schedule. */
  readonly readSchedule: () => Promise<ScheduleFacts | null>;
  /** Who polls our task queue. */
  readonly listWorkers: () => Promise<readonly PollingWorker[]>;
  readonly limits: WatchdogLimits;
  readonly now: () => Date;
}

/** What one look has found. */
export interface WatchdogReport {
  readonly checkedAt: Date;
  readonly findings: readonly Finding[];
  /** The month that was to be closed last. */
  readonly lastMonth: Month;
  /** Null where the database couldn't be read. */
  readonly books: BooksFacts | null;
  /** Null where Temporal couldn't be asked. */
  readonly temporal: TemporalFacts | null;
  /** Why something couldn't be read. For the log only, because errors can contain addresses. */
  readonly errors: readonly unknown[];
}

/** What the database says. */
export interface BooksFacts {
  /** The months looked at. */
  readonly months: readonly MonthFacts[];
  /** Of the last month. */
  readonly parkedReasons: readonly ParkedReason[];
  /** Earliest expiry among keys without a replacement; null: none expires. */
  readonly keyExpiresAt: string | null;
}

/** What Temporal says. */
export interface TemporalFacts {
  /** Null: there is no Schedule. */
  readonly schedule: ScheduleFacts | null;
  readonly workers: readonly PollingWorker[];
}

/** Performs one check of everything. A source that can't be read is a finding, never an error. */
export async function lookAround(sources: WatchdogSources): Promise<WatchdogReport> {
  const { db, limits, now } = sources;
  const checkedAt = now();
  const lastMonth = monthBefore(checkedAt);
  const [books, temporal] = await Promise.allSettled([
    readBooks(db, lastMonth, checkedAt),
    askTemporal(sources),
  ]);
  return {
    checkedAt,
    lastMonth,
    books: books.status === 'fulfilled' ? books.value : null,
    temporal: temporal.status === 'fulfilled' ? temporal.value : null,
    findings: [
      ...(books.status === 'fulfilled'
        ? judgeMonths(books.value.months, checkedAt, limits)
        : [DATABASE_UNREACHABLE]),
      ...(temporal.status === 'fulfilled'
        ? [
            ...judgeSchedule(temporal.value.schedule, checkedAt),
            ...judgeWorkers(temporal.value.workers),
          ]
        : [TEMPORAL_UNREACHABLE]),
    ],
    errors: [books, temporal].flatMap((reading) =>
      reading.status === 'rejected' ? [reading.reason as unknown] : [],
    ),
  };
}

async function readBooks(db: Queryable, lastMonth: Month, at: Date): Promise<BooksFacts> {
  return {
    months: await readMonthFacts(db, lastMonth),
    parkedReasons: await countParkedReasons(db, periodOf(lastMonth)),
    keyExpiresAt: await readKeyExpiry(db, at),
  };
}

async function askTemporal(sources: WatchdogSources): Promise<TemporalFacts> {
  const [schedule, workers] = await Promise.all([sources.readSchedule(), sources.listWorkers()]);
  return { schedule, workers };
}

const DATABASE_UNREACHABLE: Finding = {
  code: 'database_unreachable',
  month: null,
  detail: 'the database cannot be read: nobody knows whether the month is closed',
};
const TEMPORAL_UNREACHABLE: Finding = {
  code: 'temporal_unreachable',
  month: null,
  detail: 'Temporal cannot be asked: nobody knows whether the Schedule stands, or a worker runs',
};
