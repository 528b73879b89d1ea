import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { taxTermsOf } from './tax-terms.ts';

const missing = z.object({ currency: z.string(), tenants: z.number() });

/**
 * Returns the currencies whose exchange rate to AUD a month needs and lacks, with the number of tenants that
 * may be parked without it: those without an invoice.
 * @param due selects the `tenant_id` of each tenant that is due
 */
export function listMissingRates(
  db: Queryable,
  period: Period,
  due: FragmentSqlToken,
): Promise<readonly z.infer<typeof missing>[]> {
  return db.any(sql.type(missing)`
    SELECT currency, count(*) AS tenants
    FROM (
      SELECT foreign_tenant.currency,
        ${taxTermsOf(period, sql.fragment`foreign_tenant.tenant_id`, sql.fragment`foreign_tenant.currency`)} AS terms
      FROM (${due}) due JOIN tenants foreign_tenant USING (tenant_id)
      WHERE foreign_tenant.currency <> 'AUD' AND NOT EXISTS (
        SELECT FROM invoices i WHERE i.tenant_id = foreign_tenant.tenant_id
          AND i.period_start = ${period.periodStart} AND i.status IN ('issued', 'paid', 'void'))
    ) taxed
    WHERE terms -> 'audRate' = 'null' AND (terms ->> 'sellerRegistered')::boolean
      AND (terms -> 'treatment' ->> 'rate')::numeric > 0
    GROUP BY currency ORDER BY currency
  `);
}
