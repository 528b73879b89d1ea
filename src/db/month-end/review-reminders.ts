import { z } from 'zod';
import type { Month, Period } from '../../domain/period.ts';
import type { Database, Transaction } from '../pool.ts';
import { loadCalendar } from '../settings/load-calendar.ts';
import { sql } from '../sql.ts';
import { tellingReviewWaiting } from '../webhooks/webhook-outbox.ts';
import { readReview } from './review-facts.ts';

/** The latest months; an older one is found by the watchdog, which looks at a year. */
const MONTHS = 13;
const DAY_MS = 86_400_000;

/**
 * Writes the webhook event `review.waiting` for each month whose invoices have waited for their release for this many
 * days: once per month and day of the billing time zone, however often it runs.
 * @returns the months that wait so long
 */
export async function remindOfReviews(
  db: Database,
  { now, days }: { readonly now: Date; readonly days: number },
): Promise<readonly Month[]> {
  const { periodOf } = await loadCalendar(db);
  const late: Month[] = [];
  for (const month of await listMonths(db)) {
    const isLate = await db.transaction((tx) => remindOf(tx, periodOf(month), now, days));
    if (isLate) late.push(month);
  }
  return late;
}

function listMonths(db: Database): Promise<readonly string[]> {
  return db.anyFirst(sql.type(z.object({ month: z.string() }))`
    SELECT to_char(period_start, 'YYYY-MM') AS month FROM (
      SELECT DISTINCT period_start FROM month_end_requests ORDER BY period_start DESC LIMIT ${MONTHS}
    ) latest
    WHERE EXISTS (SELECT FROM seller_details WHERE release = 'review')
    ORDER BY period_start
  `);
}

async function remindOf(
  tx: Transaction,
  period: Period,
  now: Date,
  days: number,
): Promise<boolean> {
  const { waiting, since, totals } = await readReview(tx, period);
  if (waiting === 0 || since === null) return false;
  if (now.getTime() - Date.parse(since) < days * DAY_MS) return false;
  await tx.query(sql.typeAlias('nothing')`
    WITH ${tellingReviewWaiting(sql.fragment`
      SELECT ${period.month}::text AS month, ${waiting}::int AS invoices, ${since}::timestamptz AS since,
        ${JSON.stringify(totals)}::jsonb AS totals
      WHERE NOT EXISTS (
        SELECT FROM webhook_events e
        WHERE e.type = 'review.waiting' AND e.data ->> 'month' = ${period.month}
          AND billing_date(e.occurred_at) = billing_date(now()) AND e.occurred_at > now() - interval '2 days'
      )`)}
    SELECT
  `);
  return true;
}
