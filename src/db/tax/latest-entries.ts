import { monthStart } from '../../domain/period.ts';
import { sql, textArray } from '../sql.ts';

/**
 * Tax data never changes. A correction is a further entry of the same month, and the last entry counts: these
 * subqueries select it (docs/spec.md#tax).
 */

export const LATEST_ASSIGNMENTS = sql.fragment`(
  SELECT DISTINCT ON (tenant_id, from_month) tenant_id, from_month,
    to_char(from_month, 'YYYY-MM') AS "from", entry, treatment_code AS treatment
  FROM tenant_tax_treatments ORDER BY tenant_id, from_month, entry DESC)`;

export const LATEST_REGISTRATIONS = sql.fragment`(
  SELECT DISTINCT ON (from_month) from_month, to_char(from_month, 'YYYY-MM') AS "from", entry, registered
  FROM gst_registrations ORDER BY from_month, entry DESC)`;

/** Rates as text: a number in JSON would become a float. */
export const LATEST_EXCHANGE_RATES = sql.fragment`(
  SELECT DISTINCT ON (month, from_currency, to_currency) month AS month_start, from_currency AS "from",
    to_currency AS "to", to_char(month, 'YYYY-MM') AS month, entry, rate::text AS rate, source
  FROM exchange_rates ORDER BY month, from_currency, to_currency, entry DESC)`;

/** Returns the first days of months, for `= ANY (…)`. */
export function firstDays(months: readonly string[]) {
  return sql.fragment`${textArray(months.map(monthStart))}::date[]`;
}
