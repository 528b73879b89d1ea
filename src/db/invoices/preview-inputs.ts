import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import { isGivenUp } from './drafts.ts';
import { dueOrInvoicedTenants, hasNextInvoice, inForceAtEndOf } from '../catalogue/due-tenants.ts';
import type { HeldUsage } from '../usage/held-usage.ts';
import type { Queryable } from '../pool.ts';
import { taxTermsOf, taxTermsSchema } from '../tax/tax-terms.ts';
import { isBillable } from '../usage/seal.ts';
import { jsonRows, sql, textArray } from '../sql.ts';
import type { LastInvoice } from '../../domain/bounds.ts';

const previewed = z.object({
  tenantId: z.string(),
  currency: z.string(),
  /** False: the month has a live invoice, but the tenant is no longer due. */
  isDue: z.boolean(),
  /** Whether a later invoice will bill LLM usage that this month's invoice can't bill any more. */
  hasNextInvoice: z.boolean(),
  /** The live invoice. */
  invoiceId: z.string().nullable(),
  number: z.string().nullable(),
  status: z.enum(['issued', 'paid', 'void']).nullable(),
  totalCents: z.number().nullable(),
  /** The tenant's last invoice of an earlier month that isn't void. */
  lastNumber: z.string().nullable(),
  lastTotalCents: z.number().nullable(),
  /** What decides the tax of its invoice, as recorded now. */
  tax: taxTermsSchema,
});
/** A tenant that is due or was invoiced, with its live and last invoices. */
export type PreviewedTenant = z.infer<typeof previewed>;

/** Returns the number of tenants in a preview of the month. */
export function countPreviewedTenants(db: Queryable, period: Period): Promise<number> {
  return db.oneFirst(sql.type(z.object({ tenants: z.number() }))`
    SELECT count(*) AS tenants FROM (${dueOrInvoicedTenants(period)}) previewed
  `);
}

/**
 * Returns a page of the tenants that are due or have an invoice of the month, ordered by id. `page.only`
 * restricts it to the named tenants.
 */
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
    SELECT t.tenant_id AS "tenantId", t.currency, due.is_due AS "isDue",
      ${hasNextInvoice(period, sql.fragment`t.tenant_id`)} AS "hasNextInvoice",
      i.invoice_id AS "invoiceId", i.number, i.status,
      i.total_cents AS "totalCents", last.number AS "lastNumber",
      last.total_cents AS "lastTotalCents",
      ${taxTermsOf(period, sql.fragment`t.tenant_id`, sql.fragment`t.currency`)} AS tax
    FROM tenants t
    LEFT JOIN invoices i ON i.tenant_id = t.tenant_id
      AND i.period_start = ${period.periodStart} AND i.status IN ('issued', 'paid', 'void')
    LEFT JOIN LATERAL (${lastInvoiceBefore(period)}) last ON true
    CROSS JOIN LATERAL (
      SELECT EXISTS (
        SELECT FROM subscriptions s
        WHERE s.tenant_id = t.tenant_id AND ${inForceAtEndOf(period, 's')}
      ) AS is_due
    ) due
    WHERE (due.is_due OR i.invoice_id IS NOT NULL)
      AND (${page.after}::text IS NULL OR t.tenant_id > ${page.after}::text) ${only}
    ORDER BY t.tenant_id LIMIT ${page.limit}
  `);
}

/**
 * Returns the usage that each tenant's invoice would take if it were built or rebuilt now, by the rules of
 * `openSealedDrafts`. The owner is the tenant. A paid or void invoice is never rebuilt: late LLM usage goes
 * onto the tenant's next invoice, if there will be one, and the rest has to be settled by hand.
 */
export function takeableUsage(period: Period, tenants: readonly PreviewedTenant[]): HeldUsage {
  const drafts = tenants.map(({ tenantId, invoiceId, status, hasNextInvoice: hasNext }) => ({
    tenantId,
    invoiceId,
    isRevision: invoiceId !== null,
    leavesLlm: hasNext && (status === 'paid' || status === 'void'),
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

/** Selects number and total of the tenant `t`'s last invoice of an earlier month that isn't void. */
function lastInvoiceBefore(period: Period) {
  return sql.fragment`
    SELECT l.number, l.total_cents FROM invoices l
    WHERE l.tenant_id = t.tenant_id AND l.period_start < ${period.periodStart}
      AND l.status IN ('issued', 'paid')
    ORDER BY l.period_start DESC LIMIT 1`;
}

/** Returns the last invoice from a row's columns; null if they are null. */
export function toLastInvoice(
  number: string | null,
  totalCents: number | null,
): LastInvoice | null {
  return number === null || totalCents === null ? null : { number, totalCents };
}
