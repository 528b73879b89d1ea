import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql, uuidArray } from '../sql.ts';
import { LLM_EVENTS, METERED_RECORDS } from '../usage/usage-events.ts';
import { invoiceTaxSchema, taxViewOf } from '../tax/invoice-tax.ts';
import { freeItemsOf, freeItemsSchema } from '../month-end/unbilled-items.ts';
import { bucketsOf } from './verification-checks.ts';

const invoice = z.object({
  invoiceId: z.string(),
  tenantId: z.string(),
  number: z.string(),
  currency: z.string(),
  revision: z.number(),
  replacesInvoiceId: z.string().nullable(),
  tax: invoiceTaxSchema,
  /** The invoice items that it takes, as they were recorded, and of credits as much as it takes. */
  items: freeItemsSchema,
});
export type VerifiedInvoice = z.infer<typeof invoice>;

/** Returns a page of the month's invoices with one revision number. */
export function nextInvoices(
  db: Queryable,
  { periodStart }: Period,
  page: { readonly revision: number; readonly after: string | null; readonly limit: number },
): Promise<readonly VerifiedInvoice[]> {
  return db.any(sql.type(invoice)`
    SELECT invoice_id AS "invoiceId", tenant_id AS "tenantId", number, currency, revision,
      replaces_invoice_id AS "replacesInvoiceId", ${taxViewOf('i')} AS tax, (
        SELECT ${freeItemsOf(sql.fragment`CASE WHEN it.amount_cents > 0 THEN it.amount_cents
          ELSE greatest(l.amount_cents, it.amount_cents) END`)}
        FROM invoice_lines l JOIN invoice_items it USING (item_id)
        WHERE l.invoice_id = i.invoice_id AND l.item_id IS NOT NULL
      ) AS items
    FROM invoices i
    WHERE period_start = ${periodStart} AND kind = 'invoice' AND revision = ${page.revision}
      AND (${page.after}::uuid IS NULL OR invoice_id > ${page.after}::uuid)
    ORDER BY invoice_id LIMIT ${page.limit}
  `);
}

const adjustedDocument = z.object({
  /** The invoice of the chain. */
  adjustedId: z.string(),
  invoiceId: z.string(),
  number: z.string(),
  currency: z.string(),
  /** Null: the invoice. */
  origin: z.enum(['rerun', 'credit']).nullable(),
  tax: invoiceTaxSchema,
  taxableCents: z.number(),
  taxCents: z.number(),
});
/** An adjusted invoice or one of its adjustment notes. */
export type AdjustedDocument = z.infer<typeof adjustedDocument>;

/** Returns a page of the month's adjusted invoices, by id, each followed by its adjustment notes in their order. */
export async function nextAdjusted(
  db: Queryable,
  { periodStart }: Period,
  page: { readonly after: string | null; readonly limit: number },
): Promise<ReadonlyMap<string, readonly AdjustedDocument[]>> {
  const documents = await db.any(sql.type(adjustedDocument)`
    WITH adjusted AS (
      SELECT DISTINCT adjusts_invoice_id AS id FROM invoices
      WHERE period_start = ${periodStart} AND kind = 'adjustment_note'
        AND (${page.after}::uuid IS NULL OR adjusts_invoice_id > ${page.after}::uuid)
      ORDER BY 1 LIMIT ${page.limit}
    )
    SELECT a.id AS "adjustedId", i.invoice_id AS "invoiceId", i.number, i.currency, i.note_origin AS origin,
      ${taxViewOf('i')} AS tax, i.taxable_cents AS "taxableCents", i.tax_cents AS "taxCents"
    FROM adjusted a JOIN invoices i ON i.invoice_id = a.id OR i.adjusts_invoice_id = a.id
    ORDER BY a.id, i.adjusts_invoice_id IS NOT NULL, i.revision
  `);
  return Map.groupBy(documents, ({ adjustedId }) => adjustedId);
}

const storedChange = z.object({
  invoiceId: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  replacedLineNo: z.number().nullable(),
  lineNo: z.number().nullable(),
});

/** Returns the stored differences of these revisions, in order, by invoice id. */
export async function storedChanges(
  db: Queryable,
  invoiceIds: readonly string[],
): Promise<ReadonlyMap<string, readonly z.infer<typeof storedChange>[]>> {
  const rows = await db.any(sql.type(storedChange)`
    SELECT invoice_id AS "invoiceId", change, replaced_line_no AS "replacedLineNo",
      line_no AS "lineNo"
    FROM invoice_line_changes WHERE invoice_id = ANY(${uuidArray(invoiceIds)})
    ORDER BY invoice_id, change_no
  `);
  return Map.groupBy(rows, ({ invoiceId }) => invoiceId);
}

const scope = z.object({
  invoices: z.number(),
  adjustment_notes: z.number(),
  lines: z.number(),
  llm_events: z.number(),
  /** By currency, because charges in different currencies can't be added up. */
  llm_charges: z.array(z.object({ currency: z.string(), exact_cents: z.string() })),
  metered_records: z.number(),
  buckets: z.number(),
  /** The month's events that have expired; see `usage_archives`. */
  expired: z.array(
    z.object({
      source: z.enum(['llm', 'metered']),
      events: z.string(),
      total: z.string(),
      digest: z.string(),
      expired_at: z.string(),
    }),
  ),
});
/** The amount of data to check. */
export type VerificationScope = z.infer<typeof scope>;

export function readScope(db: Queryable, period: Period): Promise<VerificationScope> {
  const { periodStart } = period;
  return db.one(sql.type(scope)`
    SELECT
      (SELECT count(*) FROM invoices WHERE period_start = ${periodStart} AND kind = 'invoice') AS invoices,
      (SELECT count(*) FROM invoices WHERE period_start = ${periodStart} AND kind = 'adjustment_note')
        AS adjustment_notes,
      (SELECT count(*) FROM invoices JOIN invoice_lines USING (invoice_id)
        WHERE period_start = ${periodStart}) AS lines,
      llm.events AS llm_events, llm.charges AS llm_charges,
      (SELECT count(*) FROM ${METERED_RECORDS} r WHERE service_month = ${periodStart})
        AS metered_records,
      (SELECT count(*) FROM (${bucketsOf(period)}) b) AS buckets,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('source', source, 'events', events::text,
          'total', trim_scale(total)::text, 'digest', encode(digest, 'hex'),
          'expired_at', to_char(expired_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) ORDER BY source), '[]')
        FROM usage_archives WHERE service_month = ${periodStart} AND expired_at IS NOT NULL)
        AS expired
    FROM (
      SELECT coalesce(sum(events), 0)::bigint AS events, coalesce(jsonb_agg(jsonb_build_object(
        'currency', currency, 'exact_cents', cents::text) ORDER BY currency), '[]') AS charges
      FROM (
        SELECT currency, count(*) AS events, trim_scale(sum(charge_cents)) AS cents
        FROM ${LLM_EVENTS} e WHERE service_month = ${periodStart} GROUP BY currency
      ) by_currency
    ) llm
  `);
}
