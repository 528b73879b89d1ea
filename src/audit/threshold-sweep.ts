import type { SweepCursor, SweepThresholdsResult } from '../contracts/activity-types.ts';
import type { Database } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { listUnreported, type UnreportedThresholds } from '../db/usage/spend-thresholds.ts';
import { noticeThresholds, type ReachedThreshold } from '../db/webhooks/threshold-notices.ts';
import type { Month } from '../domain/period.ts';
import { recurringCentsOf } from '../domain/running-month.ts';
import { monthsToSweep, reachedCents, type RunningTotal } from '../domain/spend-thresholds.ts';
import { runningMonthOf } from './running-month.ts';

/** Tenants whose notices are written together. */
const PAGE_SIZE = 50;

/**
 * Computes the running months of a page of the tenants with thresholds that were not reported yet, and reports those
 * that are reached (docs/spec.md#spend-thresholds). Can be repeated at any time, also concurrently: each is reported once.
 * @param cursor null for the first page
 * @param pageSize tenants per page; for tests
 */
export async function sweepPage(
  db: Database,
  now: Date,
  cursor: SweepCursor | null,
  pageSize = PAGE_SIZE,
): Promise<SweepThresholdsResult> {
  const calendar = await loadCalendar(db);
  const months = monthsToSweep(calendar, now);
  const month = cursor?.month ?? months[0];
  const period = calendar.periodOf(month);
  const page = { after: cursor?.after ?? null, limit: pageSize };
  const tenants = await listUnreported(db, period, page);
  // A month that is over is looked at as it ended.
  const at = new Date(Math.min(now.getTime(), Date.parse(period.endsAt) - 1));
  const reached: ReachedThreshold[] = [];
  let failed = 0;
  for (const { tenantId, thresholds } of tenants) {
    const total = await runningTotalOf(db, tenantId, at);
    if (total === null) failed += 1;
    else reached.push(...reachedOf(tenantId, thresholds, total));
  }
  return {
    tenants: tenants.length,
    reached: await noticeThresholds(db, period, reached),
    failed,
    next: nextCursor(months, month, tenants.length === pageSize ? tenants.at(-1) : undefined),
  };
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

/** @param last of a full page; undefined: the month is done */
function nextCursor(
  months: readonly Month[],
  month: Month,
  last: UnreportedThresholds | undefined,
): SweepCursor | null {
  if (last !== undefined) return { month, after: last.tenantId };
  const next = months.find((later) => later > month);
  return next === undefined ? null : { month: next, after: null };
}
