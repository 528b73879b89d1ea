import { z } from 'zod';
import type { TouchedUsage } from '../../domain/adjustment.ts';
import type { Period } from '../../domain/period.ts';
import { dueTenants, isDue } from '../month-end/due-tenants.ts';
import type { HeldUsage } from '../usage/held-usage.ts';
import type { Queryable } from '../pool.ts';
import { invoiceTaxSchema, taxViewOf } from '../tax/invoice-tax.ts';
import { taxTermsOf, taxTermsSchema } from '../tax/tax-terms.ts';
import { isBillable, isGivenUp } from '../usage/seal.ts';
import { jsonRows, sql, textArray } from '../sql.ts';
import { freeItemsAfter, freeItemsSchema } from '../month-end/unbilled-items.ts';
import { lastInvoiceBefore } from './last-invoice.ts';
import { chargedSoFar, chargedSoFarOf } from './charged-so-far.ts';
import { invoiceOf, isApplied, isSettled, stands } from '../standing.ts';

const previewed = z.object({
  tenantId: z.string(),
  currency: z.string(),
  /** The live invoice. */
  invoiceId: z.string().nullable(),
  number: z.string().nullable(),
  status: z.enum(['issued', 'void']).nullable(),
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
  /** Invoice items that its invoice would take. */
  items: freeItemsSchema,
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
      ${taxTermsOf(period, sql.fragment`t.tenant_id`, sql.fragment`t.currency`)} AS tax,
      ${freeItemsAfter(period, sql.fragment`t.tenant_id`, sql.fragment`i.invoice_id`)} AS items
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
 * `openSealedDrafts`: what the live invoice and its notes hold, and what a run would seal. The owner is the tenant.
 */
export function takeableUsage(period: Period, tenants: readonly PreviewedTenant[]): HeldUsage {
  const draft = draftOf(tenants);
  return {
    buckets: sql.fragment`
      SELECT draft."tenantId" AS owner, b.* FROM ${draft}
      JOIN usage_buckets b ON b.sealed_for = draft."invoiceId"
      UNION ALL
      SELECT draft."tenantId" AS owner, b.* FROM ${draft}
      -- OFFSET 0: the notes of each invoice are looked up, however many invoices there are.
      CROSS JOIN LATERAL (
        SELECT n.invoice_id FROM invoices n WHERE n.adjusts_invoice_id = draft."invoiceId" OFFSET 0
      ) note JOIN usage_buckets b ON b.sealed_for = note.invoice_id
      UNION ALL ${sealableUsage(period, tenants)}`,
    exclusions: sql.fragment`e.tenant_id = ANY(${textArray(tenants.map((t) => t.tenantId))})`,
  };
}

/** The drafts that a run would open for these tenants, as a table `draft`. */
function draftOf(tenants: readonly PreviewedTenant[]) {
  const drafts = tenants.map(({ tenantId, invoiceId }) => ({
    tenantId,
    invoiceId,
    isRevision: invoiceId !== null,
  }));
  return sql.fragment`json_to_recordset(${jsonRows(drafts)})
    AS draft ("tenantId" text, "invoiceId" uuid, "isRevision" boolean)`;
}

/** Selects the buckets `b` that a run would seal, with their owner. */
function sealableUsage(period: Period, tenants: readonly PreviewedTenant[]) {
  const draft = draftOf(tenants);
  return sql.fragment`
    SELECT draft."tenantId" AS owner, b.* FROM ${draft}
    JOIN usage_buckets b ON b.tenant_id = draft."tenantId" AND b.sealed_for IS NULL
    WHERE ${isBillable(period)}
    UNION ALL
    SELECT draft."tenantId" AS owner, b.* FROM ${draft}
    JOIN invoice_drafts a ON a.tenant_id = draft."tenantId" AND ${isGivenUp(period)}
    JOIN usage_buckets b ON b.sealed_for = a.draft_id
    WHERE ${isBillable(period)}`;
}

const touchable = z.object({
  tenantId: z.string(),
  source: z.enum(['llm', 'metered']),
  deploymentId: z.string(),
  resourceKind: z.string(),
  serviceMonth: z.string(),
});

/** Returns the usage of which a rerun's adjustment note would take or exclude some, by tenant. */
export async function readTouchableUsage(
  db: Queryable,
  period: Period,
  tenants: readonly PreviewedTenant[],
): Promise<ReadonlyMap<string, readonly TouchedUsage[]>> {
  if (tenants.length === 0) return new Map();
  const rows = await db.any(sql.type(touchable)`
    SELECT DISTINCT b.owner AS "tenantId", b.source, b.deployment_id AS "deploymentId",
      b.resource_kind AS "resourceKind", to_char(b.service_month, 'YYYY-MM') AS "serviceMonth"
    FROM (
      ${sealableUsage(period, tenants)}
      UNION ALL
      SELECT draft."tenantId", b.* FROM ${draftOf(tenants)}
      JOIN usage_exclusions e ON e.tenant_id = draft."tenantId" AND NOT ${isApplied('e')}
      JOIN usage_buckets b USING (bucket_id)
      JOIN invoices held ON held.invoice_id = b.sealed_for AND ${invoiceOf('held')} = draft."invoiceId"
    ) b
    WHERE b.event_count > 0
  `);
  return Map.groupBy(rows, ({ tenantId }) => tenantId);
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
