import { z } from 'zod';
import { type Page, allOf, sql } from '../sql.ts';
import type { Queryable } from '../pool.ts';
import { releasedAt } from '../release-facts.ts';
import { taxViewOf } from '../tax/invoice-tax.ts';
import {
  invoiceHeaderSchema,
  invoiceLineSchema,
  LINE_VIEW_COLUMNS,
  type InvoiceLine,
  type InvoiceReader,
} from './invoice-views.ts';

/** Reads adjustment notes for the API, the pages and the CLI. Fields have the names that the API serves. */

export const NOTE_ORIGINS = ['rerun', 'credit'] as const;

const header = invoiceHeaderSchema.shape;

/** An adjustment note without its lines. */
export const noteHeaderSchema = z.object({
  adjustment_note_id: z.uuid(),
  number: z.string().meta({ example: 'acme-A000001' }),
  tenant_id: header.tenant_id,
  adjusts_invoice_id: z.uuid().describe('The invoice that it adjusts.'),
  adjusts_number: z.string().meta({ example: 'acme-000001' }),
  note_no: z.int().describe('1 for the first note of its invoice, and so on.').meta({ example: 1 }),
  origin: z
    .enum(NOTE_ORIGINS)
    .describe("Whether a forced rerun of the settled invoice or an operator's credit made it."),
  period_start: header.period_start,
  period_end: header.period_end,
  currency: header.currency,
  subtotal_cents: z.int().describe('The change of the subtotal. Negative: less is owed.'),
  taxable_cents: z.int().describe('The part of that change that is taxed.'),
  tax_cents: z.int().describe('The change of the tax.'),
  total_cents: z.int().describe('The change of the total.'),
  tax: header.tax,
  issued_at: header.issued_at,
  issued_on: header.issued_on,
  released_at: header.released_at,
  reason: z.string().describe('Printed on the note.'),
  request: z
    .object({ request_id: z.string(), actor: z.string() })
    .nullable()
    .describe("Which request made it, and who asked for it. Not for tenants' keys."),
});
export type NoteHeader = z.infer<typeof noteHeaderSchema>;

/** A line of a note. */
export const noteLineSchema = invoiceLineSchema.describe(
  'A signed difference. `meta` has `before_cents` and `after_cents`, or, on a credit, `credited_number`, ' +
    '`credited_line_no` and `credited_kind`.',
);

export interface NoteView extends NoteHeader {
  readonly lines: readonly InvoiceLine[];
}

export interface NoteFilter {
  readonly tenantId?: string | undefined;
  /** First day of the period. */
  readonly periodStart?: string | undefined;
  /** The invoice that they adjust. */
  readonly invoiceId?: string | undefined;
}

/** The last note of a page. */
export interface NoteCursor {
  readonly period_start: string;
  readonly adjustment_note_id: string;
}

/** Selects headers. The database role for tenants' keys can't read the operators' columns at all. */
function headers(reader: InvoiceReader) {
  const request =
    reader === 'operator'
      ? sql.fragment`jsonb_build_object('request_id', n.request_id, 'actor', n.actor)`
      : sql.fragment`NULL`;
  return sql.fragment`
    SELECT n.invoice_id AS adjustment_note_id, n.number, n.tenant_id, n.adjusts_invoice_id,
      i.number AS adjusts_number, n.revision AS note_no, n.note_origin AS origin, n.period_start, n.period_end,
      n.currency, n.subtotal_cents, n.taxable_cents, n.tax_cents, n.total_cents, ${taxViewOf('n')} AS tax,
      n.issued_at, n.issued_on, ${releasedAt('n')} AS released_at, n.note_reason AS reason, ${request} AS request
    FROM invoices n JOIN invoices i ON i.invoice_id = n.adjusts_invoice_id`;
}

/** Returns a page of adjustment notes, newest month first. @param after the last note of the previous page, or null */
export function listNotes(
  db: Queryable,
  { tenantId, periodStart, invoiceId }: NoteFilter,
  { after, limit }: Page<NoteCursor>,
  reader: InvoiceReader = 'operator',
): Promise<readonly NoteHeader[]> {
  const conditions = [
    sql.fragment`n.kind = 'adjustment_note'`,
    tenantId !== undefined && sql.fragment`n.tenant_id = ${tenantId}`,
    periodStart !== undefined && sql.fragment`n.period_start = ${periodStart}::date`,
    invoiceId !== undefined && sql.fragment`n.adjusts_invoice_id = ${invoiceId}::uuid`,
    after !== null &&
      sql.fragment`(n.period_start, n.invoice_id)
        < (${after.period_start}::date, ${after.adjustment_note_id}::uuid)`,
  ];
  return db.any(sql.type(noteHeaderSchema)`
    ${headers(reader)} WHERE ${allOf(conditions)}
    ORDER BY n.period_start DESC, n.invoice_id DESC LIMIT ${limit}
  `);
}

/**
 * Returns an adjustment note without its lines; null if it doesn't exist.
 * @param tenantId the tenant that it must belong to, which is then the reader; null: any tenant, for an operator
 */
export function showNoteHeader(
  db: Queryable,
  noteId: string,
  tenantId: string | null = null,
): Promise<NoteHeader | null> {
  return db.maybeOne(sql.type(noteHeaderSchema)`
    ${headers(tenantId === null ? 'operator' : 'tenant')}
    WHERE n.invoice_id = ${noteId}::uuid AND n.kind = 'adjustment_note'
      AND (${tenantId}::text IS NULL OR n.tenant_id = ${tenantId}::text)
  `);
}

/** Returns an adjustment note with its lines; null if it doesn't exist. @param tenantId see `showNoteHeader` */
export async function showNote(
  db: Queryable,
  noteId: string,
  tenantId: string | null = null,
): Promise<NoteView | null> {
  const found = await showNoteHeader(db, noteId, tenantId);
  if (found === null) return null;
  const lines = await db.any(sql.type(invoiceLineSchema)`
    SELECT ${LINE_VIEW_COLUMNS} FROM invoice_lines WHERE invoice_id = ${noteId}::uuid ORDER BY line_no
  `);
  return { ...found, lines };
}

/** Returns the id of the adjustment note with this number; null if it doesn't exist. */
export function findNoteId(db: Queryable, number: string): Promise<string | null> {
  return db.maybeOneFirst(sql.type(z.object({ invoice_id: z.string() }))`
    SELECT invoice_id FROM invoices WHERE number = ${number} AND kind = 'adjustment_note'
  `);
}
