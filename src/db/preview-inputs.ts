import { z } from 'zod';
import type { Period } from '../domain/period.ts';
import { isGivenUp } from './drafts.ts';
import { inForceAtEndOf } from './due-tenants.ts';
import type { HeldUsage } from './held-usage.ts';
import { lastInvoiceBefore } from './last-invoice.ts';
import type { Queryable } from './pool.ts';
import { isBillable } from './seal.ts';
import { jsonRows, sql, textArray } from './sql.ts';

const previewed = z.object({
  tenantId: z.string(),
  currency: z.string(),
  /** The invoice that stands. */
  invoiceId: z.string().nullable(),
  number: z.string().nullable(),
  status: z.enum(['issued', 'paid', 'void']).nullable(),
  totalCents: z.number().nullable(),
  /** The tenant's last invoice of an earlier month, unless it is void. */
  lastNumber: z.string().nullable(),
  lastTotalCents: z.number().nullable(),
});
/** A due tenant, and what there is of its invoices. */
export type PreviewedTenant = z.infer<typeof previewed>;

/** A page of due tenants, in order; of these only, where some are named. */
export function nextDueTenants(
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
      i.total_cents AS "totalCents", last.number AS "lastNumber",
      last.total_cents AS "lastTotalCents"
    FROM tenants t
    LEFT JOIN invoices i ON i.tenant_id = t.tenant_id
      AND i.period_start = ${period.periodStart} AND i.status IN ('issued', 'paid', 'void')
    LEFT JOIN LATERAL (${lastInvoiceBefore(period)}) last ON true
    WHERE EXISTS (
        SELECT FROM subscriptions s
        WHERE s.tenant_id = t.tenant_id AND ${inForceAtEndOf(period, 's')}
      )
      AND (${page.after}::text IS NULL OR t.tenant_id > ${page.after}::text) ${only}
    ORDER BY t.tenant_id LIMIT ${page.limit}
  `);
}

/**
 * What an invoice of each tenant would take if it were built now (or built again, where one
 * stands), by the rules of `openSealedDrafts`; the owner is the tenant. One that is paid or void is never
 * built again: late LLM usage goes onto the tenant's next invoice, and what is left to settle by hand
 * is the rest.
 */
export function takeableUsage(period: Period, tenants: readonly PreviewedTenant[]): HeldUsage {
  const drafts = tenants.map(({ tenantId, invoiceId, status }) => ({
    tenantId,
    invoiceId,
    isRevision: invoiceId !== null,
    isFinal: status === 'paid' || status === 'void',
  }));
  const draft = sql.fragment`json_to_recordset(${jsonRows(drafts)})
    AS draft ("tenantId" text, "invoiceId" uuid, "isRevision" boolean, "isFinal" boolean)`;
  const isTakeable = sql.fragment`${isBillable(period)}
    AND NOT (draft."isFinal" AND b.source = 'llm')`;
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
