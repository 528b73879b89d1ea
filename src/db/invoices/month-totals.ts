import { z } from 'zod';
import { monthStart, type Month } from '../../domain/period.ts';
import { LINE_KINDS } from '../../domain/types.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { standsUnvoided } from '../standing.ts';

/** Totals of months by kind of line, from what invoices keep: reading them doesn't depend on the number of lines. */

const monthTotals = z.object({
  month: z.string(),
  currency: z.string(),
  invoices: z.number(),
  /** Minor units as text, because a sum may be beyond 2^53. */
  kinds: z.record(z.enum(LINE_KINDS), z.string()),
  total_cents: z.string(),
});
/** Totals of the live invoices of a month in one currency, without void ones and without adjustment notes. */
export type MonthTotals = z.infer<typeof monthTotals>;

const SUMS = sql.join(
  LINE_KINDS.map(
    (kind) => sql.fragment`${kind}::text, sum(${sql.identifier([`${kind}_cents`])})::text`,
  ),
  sql.fragment`, `,
);

/**
 * Returns the totals of the months from one to another, both included, by month and currency.
 * @throws DomainError `invalid_month`
 */
export function readMonthTotals(
  db: Queryable,
  { from, to }: { readonly from: Month; readonly to: Month },
): Promise<readonly MonthTotals[]> {
  return db.any(sql.type(monthTotals)`
    SELECT to_char(period_start, 'YYYY-MM') AS month, currency, count(*) AS invoices,
      jsonb_build_object(${SUMS}) AS kinds, sum(total_cents)::text AS total_cents
    FROM invoices i
    WHERE period_start BETWEEN ${monthStart(from)} AND ${monthStart(to)} AND ${standsUnvoided('i')}
    GROUP BY period_start, currency ORDER BY period_start, currency
  `);
}
