import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { standsUnvoided } from '../standing.ts';
import { isReleased } from '../release-facts.ts';
import { sql } from '../sql.ts';

/** What waits for its release in a month (docs/spec.md#release). */

const amounts = z.object({
  currency: z.string(),
  invoices: z.int(),
  /** As text, because a sum may be beyond 2^53. */
  total_cents: z.string(),
});

export const reviewSchema = z.object({
  /** Issued invoices that no tenant can see yet. */
  waiting: z.int(),
  /** When the first of them was issued, or the invoice that it replaced. */
  since: z.iso.datetime().nullable(),
  totals: z.array(amounts),
});
/** The invoices of a month that wait for their release. */
export type Review = z.infer<typeof reviewSchema>;

/** Returns what waits in a period. Costs a look at the period's invoices. */
export function readReview(db: Queryable, period: Period): Promise<Review> {
  return db.one(sql.type(reviewSchema)`
    WITH waiting AS (
      SELECT i.tenant_id, i.currency, i.total_cents FROM ${waitingInvoices(period)}
    )
    SELECT (SELECT count(*) FROM waiting) AS waiting,
      (
        SELECT min(i.issued_at) FROM waiting JOIN invoices i USING (tenant_id)
        WHERE i.period_start = ${period.periodStart}
      ) AS since,
      coalesce((
        SELECT jsonb_agg(jsonb_build_object('currency', currency, 'invoices', invoices,
          'total_cents', total_cents::text) ORDER BY currency)
        FROM (
          SELECT currency, count(*) AS invoices, sum(total_cents) AS total_cents FROM waiting GROUP BY currency
        ) by_currency
      ), '[]') AS totals
  `);
}

/** Returns the number of a period's invoices that wait. */
export function countWaiting(db: Queryable, period: Period): Promise<number> {
  return db.oneFirst(sql.type(z.object({ waiting: z.number() }))`
    SELECT count(*) AS waiting FROM ${waitingInvoices(period)}
  `);
}

/**
 * Names the invoices `i` of a period that wait, with a WHERE. If no seller has ever reviewed invoices, it looks at none.
 */
export function waitingInvoices({ periodStart }: Period) {
  return sql.fragment`invoices i
    WHERE i.period_start = ${periodStart} AND ${standsUnvoided('i')} AND NOT ${isReleased('i')}
      AND EXISTS (SELECT FROM seller_details WHERE release = 'review')`;
}
