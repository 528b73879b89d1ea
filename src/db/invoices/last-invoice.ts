import type { FragmentSqlToken } from 'slonik';
import type { LastInvoice } from '../../domain/bounds.ts';
import type { Period } from '../../domain/period.ts';
import { touches } from '../month-end/due-tenants.ts';
import { sql } from '../sql.ts';
import { standsUnvoided } from '../standing.ts';

/**
 * Selects a tenant's last invoice of an earlier month that isn't void: its number, its total with what reruns have
 * adjusted since, and whether its month and the period are partial (docs/spec.md#safety-bounds). A month is partial unless the tenant had a subscription at
 * its first and its last instant. If the tenant had none at any time of the two months, neither is.
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
  const isThroughout = hasSubscription(sql.fragment`
      s.starts_at <= m.starts_at AND (s.ends_at IS NULL OR s.ends_at >= ${periodEndsAt})`);
  const isAny = hasSubscription(sql.fragment`(
      s.starts_at < m.ends_at AND (s.ends_at IS NULL OR s.ends_at > m.starts_at) OR ${touches(period, 's')})`);
  const isPartial = (startsAt: FragmentSqlToken, endsAt: FragmentSqlToken) =>
    sql.fragment`NOT ${isThroughout} AND NOT (${atStart(startsAt)} AND ${atEnd(endsAt)}) AND ${isAny}`;
  return sql.fragment`
    SELECT l.number, l.total_cents + coalesce((
        SELECT sum(n.total_cents) FROM invoices n
        WHERE n.adjusts_invoice_id = l.invoice_id AND n.note_origin = 'rerun'
      ), 0)::bigint AS total_cents,
      ${isPartial(periodStartsAt, periodEndsAt)} AS is_month_partial,
      ${isPartial(sql.fragment`m.starts_at`, sql.fragment`m.ends_at`)} AS is_last_month_partial
    FROM invoices l JOIN billing_months m ON m.month_start = l.period_start
    WHERE l.tenant_id = ${tenantId} AND l.period_start < ${period.periodStart}
      AND ${standsUnvoided('l')}
    ORDER BY l.period_start DESC LIMIT 1`;
}

/** Returns the last invoice from a row's columns; null if they are null. */
export function toLastInvoice(row: {
  readonly lastNumber: string | null;
  readonly lastTotalCents: number | null;
  readonly isMonthPartial: boolean | null;
  readonly isLastMonthPartial: boolean | null;
}): LastInvoice | null {
  const { lastNumber: number, lastTotalCents: totalCents } = row;
  if (number === null || totalCents === null) return null;
  return {
    number,
    totalCents,
    isMonthPartial: row.isMonthPartial === true,
    isLastMonthPartial: row.isLastMonthPartial === true,
  };
}
