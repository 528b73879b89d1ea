import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';

const monthOfTenant = z.object({
  tenantId: z.string(),
  month: z.string(),
  /** The number of the live invoice; null: the month was closed without one for this tenant. */
  number: z.string().nullable(),
  status: z.enum(['issued', 'paid']).nullable(),
});
/** A month of a tenant that the next ordinary run will not bill again. */
export type MonthOfTenant = z.infer<typeof monthOfTenant>;

/**
 * Returns the months that are invoiced for these tenants, and those that were closed without an invoice for
 * them, by tenant and month. Months whose invoice is void are left out.
 */
export function listBilledMonths(
  db: Queryable,
  tenantIds: readonly string[],
): Promise<readonly MonthOfTenant[]> {
  return db.any(sql.type(monthOfTenant)`
    SELECT t.tenant_id AS "tenantId", to_char(m.period_start, 'YYYY-MM') AS month, i.number, i.status
    FROM unnest(${textArray(tenantIds)}) AS t (tenant_id)
    CROSS JOIN LATERAL (
      SELECT period_start FROM month_end_requests WHERE state = 'finished'
      UNION
      SELECT period_start FROM invoices WHERE tenant_id = t.tenant_id
    ) m
    LEFT JOIN invoices i ON i.tenant_id = t.tenant_id AND i.period_start = m.period_start
      AND i.status <> 'superseded'
    WHERE i.status IS DISTINCT FROM 'void'
    ORDER BY 1, 2
  `);
}
