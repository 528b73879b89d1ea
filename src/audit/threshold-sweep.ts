import type { SweepCursor, SweepThresholdsResult } from '../contracts/activity-types.ts';
import type { Database } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { listUnreported, type UnreportedThresholds } from '../db/usage/spend-thresholds.ts';
import { sql } from '../db/sql.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import { noticeThresholds, type ReachedThreshold } from '../db/webhooks/threshold-notices.ts';
import type { Month } from '../domain/period.ts';
import { recurringCentsOf } from '../domain/running-month.ts';
import { monthsToSweep, reachedCents, type RunningTotal } from '../domain/spend-thresholds.ts';
import { runningMonthOf } from './running-month.ts';

/** Tenants that are listed together. */
const PAGE_SIZE = 50;

export interface SweepOptions {
  /** When to stop, as a value of `performance.now()`. At least one tenant is looked at. */
  readonly until: number;
  /** Called for each tenant that fails for a reason other than its data. The next sweep looks at it again. */
  readonly onError: (tenantId: string, error: unknown) => void;
  /** Tenants per page; for tests. */
  readonly pageSize?: number;
}

/**
 * Computes the months of a page of the tenants with thresholds that were not reported yet, and reports those
 * that are reached (docs/spec.md#spend-thresholds). Can be repeated at any time, also concurrently: each is reported once.
 * A tenant that fails doesn't stop the others.
 * @param cursor null for the first page
 * @throws if the database is unavailable
 */
export async function sweepPage(
  db: Database,
  now: Date,
  cursor: SweepCursor | null,
  { until, onError, pageSize = PAGE_SIZE }: SweepOptions,
): Promise<SweepThresholdsResult> {
  const calendar = await loadCalendar(db);
  const months = monthsToSweep(calendar, now);
  const month = cursor?.month ?? months[0];
  const period = calendar.periodOf(month);
  const page = { after: cursor?.after ?? null, limit: pageSize };
  const tenants = await listUnreported(db, period, page);
  // A month that is over is looked at as it ended, until it is invoiced.
  const at = new Date(Math.min(now.getTime(), Date.parse(period.endsAt) - 1));
  const counts = { tenants: 0, reached: 0, failed: 0 };
  for (const { tenantId, thresholds, invoiced } of tenants) {
    counts.tenants += 1;
    try {
      const total = invoiced ?? (await runningTotalOf(db, tenantId, at));
      if (total === null) counts.failed += 1;
      else {
        counts.reached += await noticeThresholds(
          db,
          period,
          reachedOf(tenantId, thresholds, total),
        );
      }
    } catch (error) {
      // A statement that took too long looks the same as a database that doesn't answer.
      if (isDatabaseUnavailable(error)) await db.query(sql.typeAlias('nothing')`SELECT`);
      counts.failed += 1;
      onError(tenantId, error);
    }
    if (performance.now() >= until) break;
  }
  const isDone = counts.tenants === tenants.length && tenants.length < pageSize;
  const last = isDone ? undefined : tenants[counts.tenants - 1];
  return { ...counts, next: nextCursor(months, month, last) };
}

/** Returns null if the month end would park the tenant. */
async function runningTotalOf(
  db: Database,
  tenantId: string,
  at: Date,
): Promise<RunningTotal | null> {
  const invoice = (await runningMonthOf(db, tenantId, at))?.invoice ?? null;
  if (invoice === null) return null;
  return { subtotalCents: invoice.subtotalCents, recurringCents: recurringCentsOf(invoice) };
}

function reachedOf(
  tenantId: string,
  thresholds: UnreportedThresholds['thresholds'],
  total: RunningTotal,
): readonly ReachedThreshold[] {
  return thresholds.flatMap(({ thresholdId, limit }) => {
    const cents = reachedCents(limit, total);
    if (cents === null) return [];
    return {
      ...{ tenantId, thresholdId, limit },
      ...{ thresholdCents: cents, reachedCents: total.subtotalCents },
    };
  });
}

/** @param last the last tenant that was looked at; undefined: the month is done */
function nextCursor(
  months: readonly Month[],
  month: Month,
  last: UnreportedThresholds | undefined,
): SweepCursor | null {
  if (last !== undefined) return { month, after: last.tenantId };
  const next = months.find((later) => later > month);
  return next === undefined ? null : { month: next, after: null };
}
