import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import { TAX_CURRENCY } from '../../domain/aud-tax.ts';
import { DEFAULT_TREATMENT, type TaxTerms } from '../../domain/invoice-totals.ts';
import type { Period } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { treatmentSchema } from './tax-views.ts';
import { stands } from '../standing.ts';

/** A column that `taxTermsOf` selects. */
export const taxTermsSchema: z.ZodType<TaxTerms> = z.object({
  treatment: treatmentSchema,
  sellerRegistered: z.boolean(),
  audRate: z.object({ rate: z.string(), source: z.string() }).nullable(),
});

/**
 * Selects what decides the tax of a tenant's invoice for a period, as recorded now, as one JSON object. It is part
 * of the statements that read what is to be billed, so it costs no further round trip.
 * @param tenantId an expression; a tenant that doesn't exist, or null, has the default treatment
 * @param currency an expression
 */
export function taxTermsOf(
  { periodStart }: Pick<Period, 'periodStart'>,
  tenantId: FragmentSqlToken,
  currency: FragmentSqlToken,
) {
  // Rates as text, because numbers inside JSON would become floats.
  return sql.fragment`(
    SELECT jsonb_build_object(
      'treatment', jsonb_build_object('code', treatment.treatment_code, 'label', treatment.label,
        'rate', treatment.rate::text, 'note', treatment.note),
      'sellerRegistered', coalesce((
        SELECT g.registered FROM gst_registrations g WHERE g.from_month <= ${periodStart}
        ORDER BY g.from_month DESC, g.entry DESC LIMIT 1
      ), true),
      'audRate', (
        SELECT jsonb_build_object('rate', x.rate::text, 'source', x.source) FROM exchange_rates x
        WHERE x.from_currency = ${currency} AND x.to_currency = ${TAX_CURRENCY} AND x.month = ${periodStart}
        ORDER BY x.entry DESC LIMIT 1
      )
    )
    FROM tax_treatments treatment
    WHERE treatment.treatment_code = coalesce((
      SELECT a.treatment_code FROM tenant_tax_treatments a
      WHERE a.tenant_id = ${tenantId} AND a.from_month <= ${periodStart}
      ORDER BY a.from_month DESC, a.entry DESC LIMIT 1
    ), ${DEFAULT_TREATMENT.code})
  )`;
}

/**
 * Returns what decides the tax of an invoice for a period, as recorded now.
 * @param tenantId null: of a tenant to which no treatment is assigned
 */
export function readTaxTerms(
  db: Queryable,
  period: Pick<Period, 'periodStart'>,
  { tenantId, currency }: { readonly tenantId: string | null; readonly currency: string },
): Promise<TaxTerms> {
  return db.oneFirst(sql.type(z.object({ terms: taxTermsSchema }))`
    SELECT ${taxTermsOf(period, sql.fragment`${tenantId}::text`, sql.fragment`${currency}::text`)} AS terms
  `);
}

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
      WHERE foreign_tenant.currency <> ${TAX_CURRENCY} AND NOT EXISTS (
        SELECT FROM invoices i WHERE i.tenant_id = foreign_tenant.tenant_id
          AND i.period_start = ${period.periodStart} AND ${stands('i')})
    ) taxed
    WHERE terms -> 'audRate' = 'null' AND (terms ->> 'sellerRegistered')::boolean
      AND (terms -> 'treatment' ->> 'rate')::numeric > 0
    GROUP BY currency ORDER BY currency
  `);
}
