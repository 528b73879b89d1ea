import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import { dueTenants, isDue } from '../month-end/due-tenants.ts';
import type { HeldUsage } from '../usage/held-usage.ts';
import type { Queryable } from '../pool.ts';
import { invoiceTaxSchema, taxViewOf } from '../tax/invoice-tax.ts';
import { taxTermsOf, taxTermsSchema } from '../tax/tax-terms.ts';
import { isBillable, isGivenUp } from '../usage/seal.ts';
import { jsonRows, sql, textArray } from '../sql.ts';
import { lastInvoiceBefore } from './last-invoice.ts';
import { chargedSoFar, chargedSoFarOf } from './charged-so-far.ts';
import { isSettled, stands } from './standing.ts';

const previewed = z.object({
  tenantId: z.string(),
  currency: z.string(),
  /** The live invoice. */
  invoiceId: z.string().nullable(),
  number: z.string().nullable(),
  status: z.enum(['issued', 'paid', 'void']).nullable(),
  totalCents: z.number().nullable(),
  standingTax: invoiceTaxSchema.nullable(),
  /** If it is settled: what it and its notes have charged. */
  adjusted: chargedSoFar.nullable(),
  /** The tenant's last invoice of an earlier month that isn't void. */
  lastNumber: z.string().nullable(),
  lastTotalCents: z.number().nullable(),
  /** Whether the month and that of the last invoice are partial; null: there is none. */
  isMonthPartial: z.boolean().nullable(),
  isLastMonthPartial: z.boolean().nullable(),
  /** What decides the tax of its invoice, as recorded now. */
  tax: taxTermsSchema,
});
/** A due tenant, with its live and last invoices. */
export type PreviewedTenant = z.infer<typeof previewed>;

/** Returns the number of tenants in a preview of the month. */
export function countPreviewedTenants(db: Queryable, period: Period): Promise<number> {
  return db.oneFirst(sql.type(z.object({ tenants: z.number() }))`
    SELECT count(*) AS tenants FROM (${dueTenants(period)}) previewed
  `);
}

/** Returns a page of the due tenants, ordered by id. `page.only` restricts it to the named tenants. */
export function nextPreviewedTenants(
  db: Queryable,
  period: Period,
  page: {
    readonly after: string | null;
    readonly limit: number;
    readonly only: readonly string[] | null;
  },
): Promise<readonly PreviewedTenant[]> {
  const only =
    page.only === null
      ? sql.fragment``
      : sql.fragment`AND t.tenant_id = ANY(${textArray(page.only)})`;
  return db.any(sql.type(previewed)`
    SELECT t.tenant_id AS "tenantId", t.currency, i.invoice_id AS "invoiceId", i.number, i.status,
      i.total_cents AS "totalCents",
      CASE WHEN i.invoice_id IS NOT NULL THEN ${taxViewOf('i')} END AS "standingTax",
      CASE WHEN ${isSettled('i')} THEN ${chargedSoFarOf('i')} END AS adjusted, last.number AS "lastNumber",
      last.total_cents AS "lastTotalCents", last.is_month_partial AS "isMonthPartial",
      last.is_last_month_partial AS "isLastMonthPartial",
      ${taxTermsOf(period, sql.fragment`t.tenant_id`, sql.fragment`t.currency`)} AS tax
    FROM tenants t
    LEFT JOIN invoices i ON i.tenant_id = t.tenant_id
      AND i.period_start = ${period.periodStart} AND ${stands('i')}
    LEFT JOIN LATERAL (${lastInvoiceBefore(period, sql.fragment`t.tenant_id`)}) last ON true
    WHERE ${isDue(period, sql.fragment`t.tenant_id`)}
      AND (${page.after}::text IS NULL OR t.tenant_id > ${page.after}::text) ${only}
    ORDER BY t.tenant_id LIMIT ${page.limit}
  `);
}

/**
 * Returns the usage that each tenant's invoice would take if it were built or rebuilt now, by the rules of
 * `openSealedDrafts`. The owner is the tenant. A void invoice is never rebuilt: late LLM usage goes onto the
 * tenant's next invoice, and the rest has to be settled by hand.
 */
export function takeableUsage(period: Period, tenants: readonly PreviewedTenant[]): HeldUsage {
  const drafts = tenants.map(({ tenantId, invoiceId, status }) => ({
    tenantId,
    invoiceId,
    isRevision: invoiceId !== null,
    leavesLlm: status === 'void',
  }));
  const draft = sql.fragment`json_to_recordset(${jsonRows(drafts)})
    AS draft ("tenantId" text, "invoiceId" uuid, "isRevision" boolean, "leavesLlm" boolean)`;
  const isTakeable = sql.fragment`${isBillable(period)}
    AND NOT (draft."leavesLlm" AND b.source = 'llm')`;
  return {
    buckets: sql.fragment`
      SELECT draft."tenantId" AS owner, b.* FROM ${draft}
      JOIN usage_buckets b ON b.sealed_for = draft."invoiceId"
      UNION ALL
      SELECT draft."tenantId" AS owner, b.* FROM ${draft}
      JOIN invoices note ON note.adjusts_invoice_id = draft."invoiceId"
      JOIN usage_buckets b ON b.sealed_for = note.invoice_id
      UNION ALL
      SELECT draft."tenantId" AS owner, b.* FROM ${draft}
      JOIN usage_buckets b ON b.tenant_id = draft."tenantId" AND b.sealed_for IS NULL
      WHERE ${isTakeable}
      UNION ALL
      SELECT draft."tenantId" AS owner, b.* FROM ${draft}
      JOIN invoice_drafts a ON a.tenant_id = draft."tenantId" AND ${isGivenUp(period)}
      JOIN usage_buckets b ON b.sealed_for = a.draft_id
      WHERE ${isTakeable}`,
    exclusions: sql.fragment`e.tenant_id = ANY(${textArray(tenants.map((t) => t.tenantId))})`,
  };
}

/** Returns which of these tenants have usage that their invoice would hold, if only excluded usage. */
export async function findTenantsWithUsage(
  db: Queryable,
  period: Period,
  tenants: readonly PreviewedTenant[],
): Promise<ReadonlySet<string>> {
  if (tenants.length === 0) return new Set();
  const found = await db.anyFirst(sql.type(z.object({ owner: z.string() }))`
    SELECT DISTINCT b.owner FROM (${takeableUsage(period, tenants).buckets}) b WHERE b.event_count > 0
  `);
  return new Set(found);
}
