import type { LastInvoice } from '../../domain/bounds.ts';
import type { Period } from '../../domain/period.ts';
import { sql } from '../sql.ts';

/** Selects number and total of the tenant `t`'s last invoice of an earlier month, unless it is void. */
export function lastInvoiceBefore(period: Period) {
  return sql.fragment`
    SELECT l.number, l.total_cents FROM invoices l
    WHERE l.tenant_id = t.tenant_id AND l.period_start < ${period.periodStart}
      AND l.status IN ('issued', 'paid')
    ORDER BY l.period_start DESC LIMIT 1`;
}

/** From the columns of a row, both null where there is none. */
export function toLastInvoice(
  number: string | null,
  totalCents: number | null,
): LastInvoice | null {
  return number === null || totalCents === null ? null : { number, totalCents };
}
