import { z } from 'zod';
import { BUYER_AS_JSON, buyerSchema } from '../catalogue/buyer-details.ts';
import { invoiceLineSchema, invoiceHeaderSchema } from './invoice-views.ts';
import { dueOn } from '../release-facts.ts';
import { type Page, allOf, sql, uuidArray } from '../sql.ts';
import type { Queryable } from '../pool.ts';
import { taxViewOf } from '../tax/invoice-tax.ts';
import { sellerSchema } from '../catalogue/seller-details.ts';

/**
 * Data for the documents of an invoice: the invoice, with its parties as they were when it was issued (ADR 18).
 */

const header = invoiceHeaderSchema
  .omit({ re_run: true, status_change: true, superseded_at: true, released_at: true })
  .extend({
    /** The date of issue in the billing time zone. */
    issued_on: z.iso.date(),
    replaces_number: z.string().nullable(),
    superseded_by_number: z.string().nullable(),
    /** Null if no seller details have been recorded yet. */
    seller: sellerSchema.nullable(),
    /** The tenant's name when the invoice was issued. */
    buyer_name: z.string(),
    buyer: buyerSchema.nullable(),
  });
export type DocumentHeader = z.infer<typeof header>;

const line = invoiceLineSchema.extend({ invoice_id: z.string() });

export interface DocumentSource extends DocumentHeader {
  readonly lines: readonly z.infer<typeof invoiceLineSchema>[];
}

/** The last invoice of a page. */
export interface DocumentCursor {
  readonly tenant_id: string;
  readonly revision: number;
}

const HEADERS = sql.fragment`
  SELECT i.invoice_id, i.number, i.tenant_id, i.period_start, i.period_end, i.revision, i.status,
    i.currency, i.subtotal_cents, i.tax_cents, i.total_cents, ${taxViewOf('i')} AS tax, i.issued_at,
    i.issued_on, ${dueOn('i')} AS due_on, i.replaces_invoice_id, i.superseded_by,
    old.number AS replaces_number, next.number AS superseded_by_number,
    (
      SELECT jsonb_build_object('legal_name', s.legal_name, 'trading_name', s.trading_name,
        'abn', s.abn, 'address', s.address, 'email', s.email, 'payment_terms', s.payment_terms,
        'payment_details', s.payment_details)
      FROM seller_details s
      WHERE s.version = coalesce(i.seller_version, (SELECT min(version) FROM seller_details))
    ) AS seller,
    i.buyer_name, CASE WHEN b.version IS NOT NULL THEN ${BUYER_AS_JSON} END AS buyer
  FROM invoices i
  LEFT JOIN invoices old ON old.invoice_id = i.replaces_invoice_id
  LEFT JOIN invoices next ON next.invoice_id = i.superseded_by
  LEFT JOIN buyer_details b ON b.tenant_id = i.tenant_id AND b.version = i.buyer_version`;

/**
 * Returns everything in an invoice's documents except the lines; null if the invoice doesn't exist.
 * @param tenantId the tenant that it must belong to; null: any tenant, for an operator
 */
export function readDocumentHeader(
  db: Queryable,
  invoiceId: string,
  tenantId: string | null,
): Promise<DocumentHeader | null> {
  return db.maybeOne(sql.type(header)`
    ${HEADERS} WHERE i.invoice_id = ${invoiceId}::uuid
      AND (${tenantId}::text IS NULL OR i.tenant_id = ${tenantId}::text)
  `);
}

/** Returns the data for an invoice's documents: its header and its lines. */
export async function readDocumentSource(
  db: Queryable,
  found: DocumentHeader,
): Promise<DocumentSource> {
  const [source = { ...found, lines: [] }] = await withLines(db, [found]);
  return source;
}

/** Returns a page of a month's invoices, including superseded ones, ordered by tenant and revision. */
export async function listDocumentSources(
  db: Queryable,
  periodStart: string,
  { after, limit }: Page<DocumentCursor>,
): Promise<readonly DocumentSource[]> {
  const isAfter =
    after !== null &&
    sql.fragment`(i.tenant_id, i.revision) > (${after.tenant_id}, ${after.revision})`;
  const headers = await db.any(sql.type(header)`
    ${HEADERS} WHERE ${allOf([
      sql.fragment`i.period_start = ${periodStart}::date AND i.kind = 'invoice'`,
      isAfter,
    ])}
    ORDER BY i.tenant_id, i.revision LIMIT ${limit}
  `);
  return withLines(db, headers);
}

/** Returns the number of a month's invoices, including superseded ones. */
export function countInvoices(db: Queryable, periodStart: string): Promise<number> {
  return db.oneFirst(sql.type(z.object({ count: z.number() }))`
    SELECT count(*) AS count FROM invoices
    WHERE period_start = ${periodStart}::date AND kind = 'invoice'
  `);
}

async function withLines(
  db: Queryable,
  headers: readonly DocumentHeader[],
): Promise<readonly DocumentSource[]> {
  if (headers.length === 0) return [];
  const rows = await db.any(sql.type(line)`
    SELECT invoice_id, line_no, deployment_id, kind, resource_kind, description,
      trim_scale(qty)::text AS qty, unit, trim_scale(unit_price_cents)::text AS unit_price_cents,
      amount_cents, meta
    FROM invoice_lines
    WHERE invoice_id = ANY(${uuidArray(headers.map(({ invoice_id }) => invoice_id))})
    ORDER BY invoice_id, line_no
  `);
  const byInvoice = Map.groupBy(rows, ({ invoice_id }) => invoice_id);
  return headers.map((one) => ({ ...one, lines: byInvoice.get(one.invoice_id) ?? [] }));
}
