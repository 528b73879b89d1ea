import { setTimeout as sleep } from 'node:timers/promises';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import {
  listUsedDeployments,
  readUsageVersion,
  sumUsageByDay,
  type UsageMonth,
} from '../../db/usage/usage-by-day.ts';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import { foldDays, type DailyFigures, type UsageOfDay } from '../../domain/daily-figures.ts';
import { errorForLog } from '../../lib/logger.ts';
import type { CallDeps } from '../http/api-deps.ts';
import { eventReads } from '../http/compute-once.ts';
import { ownerOf } from '../http/rate-limits.ts';

/**
 * A month's usage by day, for the tenant's pages. It is summed from all events, so it is computed in turns and kept: as
 * long as the usage is the same, and for a while after it has changed.
 */

/** How long a page waits for the sums before it is sent without them. */
const PATIENCE_MS = 400;
/** The shortest pause after a computation, although usage has arrived since or it has failed. */
const FRESH_MS = 60_000;
/** At most this share of the time is spent on summing a month again and again. */
const MAX_SHARE = 0.1;
/** Up to 50 kB each. */
const MAX_KEPT = 500;

/** `computing`: ask again in a moment. `failed`: ask again later. */
export type DailyUsage =
  | { readonly state: 'ready'; readonly asOf: Date; readonly figures: DailyFigures }
  | { readonly state: 'computing' | 'failed' };

/** What the last computation that succeeded has found. */
interface Sums {
  readonly version: string;
  /** When it started. */
  readonly asOf: Date;
  readonly figures: DailyFigures;
}

/** A finished computation. */
interface Outcome {
  readonly endedAt: Date;
  /** Time spent in its turns, including a failed one. */
  readonly tookMs: number;
  /** Null: it failed. */
  readonly sums: Sums | null;
}

interface Kept {
  last: Outcome | null;
  /** They stay if later computations fail. */
  sums: Sums | null;
  /** The computation that runs or waits for its turn. It never fails. */
  pending: Promise<void> | null;
}

/** By calendar, which is the same for all reads of one database: another one has other days. */
const keptBy = new WeakMap<BillingCalendar, Map<string, Kept>>();

/**
 * Returns a month's usage by day, waiting a moment for it if it has to be computed.
 * @throws whatever reading the buckets throws
 */
export async function readDailyUsage(
  deps: Pick<CallDeps, 'db' | 'now' | 'logger'>,
  caller: ApiKey,
  usage: UsageMonth,
): Promise<DailyUsage> {
  const { db, now } = deps;
  const calendar = await loadCalendar(db);
  const kept = entryOf(calendar, usage);
  const version = await readUsageVersion(db, usage);
  if (kept.pending === null && isDue(kept, version, now())) {
    kept.pending = compute(deps, caller, { usage, version, calendar }).then((outcome) => {
      kept.last = outcome;
      kept.sums = outcome.sums ?? kept.sums;
      kept.pending = null;
    });
  }
  if (kept.pending !== null) {
    await Promise.race([kept.pending, sleep(PATIENCE_MS, undefined, { ref: false })]);
  }
  // Older sums say when they were made, which is better than none.
  if (kept.sums !== null) {
    const { asOf, figures } = kept.sums;
    return { state: 'ready', asOf, figures };
  }
  return { state: kept.pending === null ? 'failed' : 'computing' };
}

function entryOf(calendar: BillingCalendar, { tenantId, month }: UsageMonth): Kept {
  const entries = keptBy.get(calendar) ?? new Map<string, Kept>();
  keptBy.set(calendar, entries);
  const key = JSON.stringify([tenantId, month]);
  const kept = entries.get(key) ?? { last: null, sums: null, pending: null };
  // The last in order was asked for last.
  entries.delete(key);
  entries.set(key, kept);
  const [oldest] = entries.keys();
  if (entries.size > MAX_KEPT && oldest !== undefined) entries.delete(oldest);
  return kept;
}

function isDue({ last, sums }: Kept, version: string, now: Date): boolean {
  if (last === null) return true;
  if (sums?.version === version) return false;
  // From the end: a computation may take longer than its pause.
  return now.getTime() - last.endedAt.getTime() >= Math.max(FRESH_MS, last.tookMs / MAX_SHARE);
}

/** Sums the events of one deployment per turn, so that other owners wait for one deployment at most. */
async function compute(
  { db, now, logger }: Pick<CallDeps, 'db' | 'now' | 'logger'>,
  caller: ApiKey,
  { usage, version, calendar }: { usage: UsageMonth; version: string; calendar: BillingCalendar },
): Promise<Outcome> {
  const asOf = now();
  let tookMs = 0;
  try {
    const days: UsageOfDay[] = [];
    for (const deploymentId of await listUsedDeployments(db, usage)) {
      await eventReads.run(ownerOf(caller), async () => {
        const startedAt = performance.now();
        try {
          days.push(...(await sumUsageByDay(db, usage, calendar, deploymentId)));
        } finally {
          tookMs += performance.now() - startedAt;
        }
      });
    }
    const figures = foldDays(days, daysOf(calendar, usage));
    // The version may be older than the sums, which are then computed once more than necessary.
    return { endedAt: now(), tookMs, sums: { version, asOf, figures } };
  } catch (error) {
    logger.warn({ error: errorForLog(error), month: usage.month }, 'usage by day failed');
    return { endedAt: now(), tookMs, sums: null };
  }
}

function daysOf(calendar: BillingCalendar, { month }: UsageMonth): number {
  return Number(calendar.periodOf(month).periodEnd.slice('YYYY-MM-'.length));
}
