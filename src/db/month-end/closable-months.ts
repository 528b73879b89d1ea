import { z } from 'zod';
import type { Month } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { loadCalendar } from '../settings/load-calendar.ts';
import { sql } from '../sql.ts';

/**
 * Returns why a month can't be closed, or null if it can. It must be over, and not before the first
 * subscription or invoice: a mistyped year would otherwise start a workflow that stays open for weeks.
 * @param now the time that decides whether the month is over
 * @throws DomainError `invalid_month`
 */
export async function whyNotClosable(
  db: Queryable,
  month: Month,
  now: Date,
): Promise<string | null> {
  const calendar = await loadCalendar(db);
  if (!calendar.isOver(month, now)) {
    return `${month} is not over yet: it can be closed from ${calendar.periodOf(month).endsAt} on`;
  }
  return whyTooEarly(db, month, now);
}

/**
 * Returns why a month is too early to have anything to bill, or null: it is before the first subscription, before
 * every invoice and before all LLM usage. The previous month, which the Schedule requests, is never too early.
 * @throws DomainError `invalid_month`
 */
export async function whyTooEarly(db: Queryable, month: Month, now: Date): Promise<string | null> {
  const calendar = await loadCalendar(db);
  if (month >= calendar.monthBefore(now)) return null;
  const first = await firstMonth(db);
  if (first !== null && month >= first) return null;
  return first === null
    ? `${month} has nothing to bill: there is no subscription and no LLM usage yet`
    : `${month} has nothing to bill: the first subscription, invoice or LLM usage is in ${first}`;
}

/** Returns the month of the first subscription, invoice or LLM usage; null if there is none of them. */
export function firstMonth(db: Queryable): Promise<Month | null> {
  return db.oneFirst(sql.type(z.object({ month: z.string().nullable() }))`
    SELECT to_char(least(
      (SELECT coalesce(billing_month(min(starts_at)), '2000-01-01') FROM subscriptions HAVING min(starts_at) IS NOT NULL),
      (SELECT min(period_start) FROM invoices),
      (SELECT min(service_month) FROM usage_buckets WHERE source = 'llm' AND event_count > 0)
    ), 'YYYY-MM') AS month
  `);
}
