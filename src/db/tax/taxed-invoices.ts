import { z } from 'zod';
import { monthStart } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';
import { firstDays } from './latest-entries.ts';
import { standsUnvoided } from '../standing.ts';

/** Live invoices that a change of tax data may have made wrong. Months are texts such as `2026-05`. */

const taxed = z.object({
  tenantId: z.string(),
  month: z.string(),
  treatment: z.string(),
});

/** Returns the live invoices of these tenants from a month on, by tenant and month; without void ones. */
export function listTaxedInvoices(
  db: Queryable,
  tenantIds: readonly string[],
  from: string,
): Promise<readonly z.infer<typeof taxed>[]> {
  return db.any(sql.type(taxed)`
    SELECT tenant_id AS "tenantId", to_char(period_start, 'YYYY-MM') AS month,
      tax_treatment AS treatment
    FROM invoices i
    WHERE tenant_id = ANY (${textArray(tenantIds)}) AND period_start >= ${monthStart(from)}
      AND ${standsUnvoided('i')}
    ORDER BY tenant_id, period_start
  `);
}

const registered = z.object({ month: z.string(), registered: z.boolean(), invoices: z.number() });

/** Counts the live invoices from a month on by what they say of the seller's registration, in order of month. */
export function countByRegistration(
  db: Queryable,
  from: string,
): Promise<readonly z.infer<typeof registered>[]> {
  return db.any(sql.type(registered)`
    SELECT to_char(period_start, 'YYYY-MM') AS month, seller_registered AS registered,
      count(*) AS invoices
    FROM invoices i WHERE period_start >= ${monthStart(from)} AND ${standsUnvoided('i')}
    GROUP BY period_start, seller_registered ORDER BY period_start
  `);
}

const converted = z.object({
  month: z.string(),
  currency: z.string(),
  rate: z.string(),
  source: z.string(),
  invoices: z.number(),
});

/** Counts the live invoices of these months by the exchange rate that they keep. */
export function countByAudRate(
  db: Queryable,
  months: readonly string[],
): Promise<readonly z.infer<typeof converted>[]> {
  return db.any(sql.type(converted)`
    SELECT to_char(period_start, 'YYYY-MM') AS month, currency, aud_rate::text AS rate,
      aud_rate_source AS source, count(*) AS invoices
    FROM invoices i
    WHERE period_start = ANY (${firstDays(months)})
      AND aud_rate IS NOT NULL AND ${standsUnvoided('i')}
    GROUP BY period_start, currency, aud_rate, aud_rate_source ORDER BY period_start, currency
  `);
}

const waiting = z.object({ month: z.string(), currency: z.string(), tenants: z.number() });

/** Counts the tenants that are parked in these months because an exchange rate was missing. */
export function countParkedWithoutRate(
  db: Queryable,
  months: readonly string[],
): Promise<readonly z.infer<typeof waiting>[]> {
  return db.any(sql.type(waiting)`
    SELECT to_char(o.period_start, 'YYYY-MM') AS month, t.currency, count(*) AS tenants
    FROM tenant_outcomes o JOIN tenants t USING (tenant_id)
    WHERE o.period_start = ANY (${firstDays(months)})
      AND o.outcome = 'parked' AND o.reason_type = 'missing_exchange_rate'
    GROUP BY o.period_start, t.currency
  `);
}
