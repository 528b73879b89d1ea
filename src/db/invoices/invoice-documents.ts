import { z } from 'zod';
import { BUYER_AS_JSON, buyerSchema } from '../catalogue/buyer-details.ts';
import { invoiceLineSchema, invoiceHeaderSchema, LINE_VIEW_COLUMNS } from './invoice-views.ts';
import type { DailyFigures } from '../../domain/daily-figures.ts';
import type { Month } from '../../domain/period.ts';
import { dueOn } from '../release-facts.ts';
import { type Page, allOf, sql, uuidArray } from '../sql.ts';
import type { Queryable } from '../pool.ts';
import { taxViewOf } from '../tax/invoice-tax.ts';
import { sellerSchema } from '../catalogue/seller-details.ts';

/**
 * Data for the documents of an invoice or an adjustment note, with its parties as they were when it was issued (ADR 18).
 * None of it says what was paid (`src/documents/billing-document.ts`).
 */

export const DOCUMENT_KINDS = ['invoice', 'adjustment_note'] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

const shared = invoiceHeaderSchema
  .pick({
    ...{ invoice_id: true, number: true, tenant_id: true, period_start: true, period_end: true },
    ...{ revision: true, currency: true, subtotal_cents: true, taxable_cents: true },
    ...{ tax_cents: true, total_cents: true, tax: true, issued_at: true, issued_on: true },
  })
  .extend({
    /** Null if no seller details have been recorded yet. */
    seller: sellerSchema.nullable(),
    /** The tenant's name when the document was issued. */
    buyer_name: z.string(),
    buyer: buyerSchema.nullable(),
  });

const invoiceHeader = shared.extend({
  kind: z.literal('invoice'),
  status: invoiceHeaderSchema.shape.status,
  /** Null until the month is released to the tenant. */
  due_on: z.iso.date().nullable(),
  payment_days: z.int(),
  replaces_number: z.string().nullable(),
  /** Whether the invoice that it replaces was void. */
  replaces_void: z.boolean(),
  superseded_by_number: z.string().nullable(),
  /** The numbers of the notes that adjust it, in their order. */
  adjusted_by: z.array(z.string()),
});

const noteHeader = shared.extend({
  kind: z.literal('adjustment_note'),
  status: z.literal('issued'),
  /** As given with the request for the note; printed. */
  reason: z.string(),
  adjusts: z.object({ invoice_id: z.uuid(), number: z.string(), issued_on: z.iso.date() }),
});

const header = z.discriminatedUnion('kind', [invoiceHeader, noteHeader]);
export type DocumentHeader = z.infer<typeof header>;

const line = invoiceLineSchema.extend({ invoice_id: z.string() });

/** The usage behind a line by day. */
export interface UsedDays {
  readonly line_no: number;
  readonly month: Month;
  readonly figures: DailyFigures;
}

interface WithLines {
  readonly lines: readonly z.infer<typeof invoiceLineSchema>[];
  /** Of each line with usage, for an appendix; absent unless it was asked for. */
  readonly days?: readonly UsedDays[];
}
export type InvoiceSource = z.infer<typeof invoiceHeader> & WithLines;
export type NoteSource = z.infer<typeof noteHeader> & WithLines;
export type DocumentSource = InvoiceSource | NoteSource;

/** The last document of a page. */
export interface DocumentCursor {
  readonly tenant_id: string;
  readonly kind: DocumentKind;
  readonly revision: number;
}

const HEADERS = sql.fragment`
  SELECT i.kind, i.invoice_id, i.number, i.tenant_id, i.period_start, i.period_end, i.revision, i.status,
    i.currency, i.subtotal_cents, i.taxable_cents, i.tax_cents, i.total_cents, ${taxViewOf('i')} AS tax, i.issued_at,
    i.issued_on, ${dueOn('i')} AS due_on, i.payment_days,
    old.number AS replaces_number, coalesce(old.status = 'void', false) AS replaces_void,
    next.number AS superseded_by_number, i.note_reason AS reason,
    CASE WHEN adjusted.invoice_id IS NOT NULL THEN jsonb_build_object('invoice_id', adjusted.invoice_id,
      'number', adjusted.number, 'issued_on', adjusted.issued_on) END AS adjusts,
    (
      SELECT coalesce(jsonb_agg(n.number ORDER BY n.revision), '[]')
      FROM invoices n WHERE n.adjusts_invoice_id = i.invoice_id
    ) AS adjusted_by,
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
  LEFT JOIN invoices adjusted ON adjusted.invoice_id = i.adjusts_invoice_id
  LEFT JOIN buyer_details b ON b.tenant_id = i.tenant_id AND b.version = i.buyer_version`;

/**
 * Returns everything in a document except the lines; null if there is no document of that kind with that id.
 * @param tenantId the tenant that it must belong to; null: any tenant, for an operator
 */
export function readDocumentHeader(
  db: Queryable,
  kind: DocumentKind,
  id: string,
  tenantId: string | null,
): Promise<DocumentHeader | null> {
  return db.maybeOne(sql.type(header)`
    ${HEADERS} WHERE i.invoice_id = ${id}::uuid AND i.kind = ${kind}
      AND (${tenantId}::text IS NULL OR i.tenant_id = ${tenantId}::text)
  `);
}

/** Returns the data of a document: its header and its lines. */
export async function readDocumentSource(
  db: Queryable,
  found: DocumentHeader,
): Promise<DocumentSource> {
  const [source = { ...found, lines: [] }] = await withLines(db, [found]);
  return source;
}

/** Returns a page of a month's invoices, including superseded ones, and adjustment notes, by tenant, kind and revision. */
export async function listDocumentSources(
  db: Queryable,
  periodStart: string,
  { after, limit }: Page<DocumentCursor>,
): Promise<readonly DocumentSource[]> {
  const isAfter =
    after !== null &&
    sql.fragment`(i.tenant_id, i.kind, i.revision)
      > (${after.tenant_id}, ${after.kind}, ${after.revision})`;
  const headers = await db.any(sql.type(header)`
    ${HEADERS} WHERE ${allOf([sql.fragment`i.period_start = ${periodStart}::date`, isAfter])}
    ORDER BY i.tenant_id, i.kind, i.revision LIMIT ${limit}
  `);
  return withLines(db, headers);
}

/** Returns the data of these documents, in no order. */
export async function findDocumentSources(
  db: Queryable,
  ids: readonly string[],
): Promise<readonly DocumentSource[]> {
  const headers = await db.any(sql.type(header)`
    ${HEADERS} WHERE i.invoice_id = ANY(${uuidArray(ids)})
  `);
  return withLines(db, headers);
}

/** Returns the number of a month's documents: invoices, including superseded ones, and adjustment notes. */
export function countDocuments(db: Queryable, periodStart: string): Promise<number> {
  return db.oneFirst(sql.type(z.object({ count: z.number() }))`
    SELECT count(*) AS count FROM invoices WHERE period_start = ${periodStart}::date
  `);
}

async function withLines(
  db: Queryable,
  headers: readonly DocumentHeader[],
): Promise<readonly DocumentSource[]> {
  if (headers.length === 0) return [];
  const rows = await db.any(sql.type(line)`
    SELECT invoice_id, ${LINE_VIEW_COLUMNS} FROM invoice_lines
    WHERE invoice_id = ANY(${uuidArray(headers.map(({ invoice_id }) => invoice_id))})
    ORDER BY invoice_id, line_no
  `);
  const byInvoice = Map.groupBy(rows, ({ invoice_id }) => invoice_id);
  return headers.map((one) => ({ ...one, lines: byInvoice.get(one.invoice_id) ?? [] }));
}
