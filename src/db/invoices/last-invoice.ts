import type { FragmentSqlToken } from 'slonik';
import type { LastInvoice } from '../../domain/bounds.ts';
import type { Period } from '../../domain/period.ts';
import { sql } from '../sql.ts';

/**
 * Selects a tenant's last invoice of an earlier month that isn't void: its number, its total, and whether the total of
 * the period can be compared with it (docs/spec.md#safety-bounds). It can unless the tenant joined or left in one of
 * the two months, or between them: then one of them bills only a part of a month.
 * @param tenantId a column
 */
export function lastInvoiceBefore(period: Period, tenantId: FragmentSqlToken) {
  const hasSubscription = (condition: FragmentSqlToken) => sql.fragment`EXISTS (
    SELECT FROM subscriptions s WHERE s.tenant_id = ${tenantId} AND ${condition}
  )`;
  /** At the first instant of a month. */
  const atStart = (startsAt: FragmentSqlToken) =>
    hasSubscription(sql.fragment`
      s.starts_at <= ${startsAt} AND (s.ends_at IS NULL OR s.ends_at > ${startsAt})`);
  /** At the last instant of a month. */
  const atEnd = (endsAt: FragmentSqlToken) =>
    hasSubscription(sql.fragment`
      s.starts_at < ${endsAt} AND (s.ends_at IS NULL OR s.ends_at >= ${endsAt})`);
  const periodStartsAt = sql.fragment`${period.startsAt}::timestamptz`;
  const periodEndsAt = sql.fragment`${period.endsAt}::timestamptz`;
  // Most tenants have a subscription throughout, which the first lookup finds.
  return sql.fragment`
    SELECT l.number, l.total_cents, ${hasSubscription(sql.fragment`
        s.starts_at <= m.starts_at AND (s.ends_at IS NULL OR s.ends_at >= ${periodEndsAt})`)}
      OR ${atStart(sql.fragment`m.starts_at`)} = ALL (ARRAY[
        ${atEnd(sql.fragment`m.ends_at`)}, ${atStart(periodStartsAt)}, ${atEnd(periodEndsAt)}
      ]) AS is_comparable
    FROM invoices l JOIN billing_months m ON m.month_start = l.period_start
    WHERE l.tenant_id = ${tenantId} AND l.period_start < ${period.periodStart}
      AND l.status IN ('issued', 'paid')
    ORDER BY l.period_start DESC LIMIT 1`;
}

/** Returns the last invoice from a row's columns; null if they are null. */
export function toLastInvoice(
  number: string | null,
  totalCents: number | null,
): LastInvoice | null {
  return number === null || totalCents === null ? null : { number, totalCents };
}
