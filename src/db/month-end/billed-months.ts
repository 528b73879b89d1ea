import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';
import { stands } from '../standing.ts';

const monthOfTenant = z.object({
  tenantId: z.string(),
  month: z.string(),
  /** The number of the live invoice. Null, also as the status: the month was closed without one for this tenant. */
  number: z.string().nullable(),
  /** `draft`: there is no live invoice, but one is being built, perhaps from what was stored before. */
  status: z.enum(['issued', 'draft']).nullable(),
});
/** A month of a tenant that no ordinary run will bill from what is stored now. */
export type MonthOfTenant = z.infer<typeof monthOfTenant>;

/**
 * Returns the months that are invoiced for these tenants, those whose invoice is being built, and those that were
 * closed without an invoice for them, by tenant and month. Months whose invoice is void are left out. While the
 * tenants are locked (`lockTenants`), no invoice is issued and no draft is opened.
 */
export function listBilledMonths(
  db: Queryable,
  tenantIds: readonly string[],
): Promise<readonly MonthOfTenant[]> {
  return db.any(sql.type(monthOfTenant)`
    SELECT t.tenant_id AS "tenantId", to_char(m.period_start, 'YYYY-MM') AS month, i.number,
      coalesce(i.status, CASE WHEN d.draft_id IS NOT NULL THEN 'draft' END) AS status
    FROM unnest(${textArray(tenantIds)}) AS t (tenant_id)
    CROSS JOIN LATERAL (
      SELECT period_start FROM month_end_requests WHERE state = 'finished'
      UNION
      SELECT period_start FROM invoices WHERE tenant_id = t.tenant_id
      UNION
      SELECT period_start FROM invoice_drafts
      WHERE tenant_id = t.tenant_id AND state IN ('open', 'nothing_to_bill')
    ) m
    LEFT JOIN invoices i ON i.tenant_id = t.tenant_id AND i.period_start = m.period_start
      AND ${stands('i')}
    LEFT JOIN invoice_drafts d ON d.tenant_id = t.tenant_id AND d.period_start = m.period_start
      AND d.state = 'open'
    WHERE i.status IS DISTINCT FROM 'void'
    ORDER BY 1, 2
  `);
}
