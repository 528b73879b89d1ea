import { z } from 'zod';
import type { ComposedInvoice } from '../../domain/compose-invoice.ts';
import type { DocumentLine } from '../../domain/credit.ts';
import type { PlacedLine } from '../../domain/line-changes.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { CURRENT_SELLER } from '../catalogue/seller-details.ts';
import { rowsAs, sql } from '../sql.ts';
import { invoiceTaxSchema, TAX_COLUMNS, taxColumns, taxViewOf } from '../tax/invoice-tax.ts';
import { tellingIssued } from '../webhooks/webhook-outbox.ts';
import { chargedSoFar, chargedSoFarOf } from './charged-so-far.ts';
import { DIGITS_OF_NUMBER } from './invoice-numbers.ts';
import { KIND_COLUMNS, KIND_COLUMN_NAMES, kindColumns, kindsOf } from './kind-totals.ts';
import { makingDigests, readInvoiceLines } from './invoices.ts';
import { insertingLines } from './line-rows.ts';
import { invoiceOf } from '../standing.ts';

/** What a credit is decided by, and the rows that it becomes. */

const creditableRow = z.object({
  tenantId: z.string(),
  month: z.string(),
  currency: z.string(),
  /** Of the document whose line is credited. */
  number: z.string(),
  invoiceId: z.string(),
  invoice: z.object({
    number: z.string(),
    status: z.string(),
    /** The number of the invoice that replaced it. */
    successor: z.string().nullable(),
  }),
  soFar: chargedSoFar,
  /** The invoice, then its notes in order. */
  documents: z.array(
    z.object({
      id: z.string(),
      number: z.string(),
      origin: z.enum(['rerun', 'credit']).nullable(),
      tax: invoiceTaxSchema,
    }),
  ),
});
type CreditableRow = z.infer<typeof creditableRow>;

/** An invoice with its notes, of which one document was named. */
export interface Creditable extends Omit<CreditableRow, 'documents'> {
  /** The kinds of the named document's lines, by number. */
  readonly kinds: ReadonlyMap<number, string>;
  /** The lines of the invoice and of its reruns' notes. */
  readonly charged: readonly DocumentLine[];
  /** The lines of the notes that gave credits. */
  readonly credits: readonly PlacedLine[];
  /** How the last of the documents was taxed. */
  readonly tax: CreditableRow['documents'][number]['tax'];
}

/** Returns the invoice that a document belongs to, with its notes and all their lines; null if there is no such document. */
export async function readCreditable(
  db: Queryable,
  documentId: string,
): Promise<Creditable | null> {
  const row = await db.maybeOne(sql.type(creditableRow)`
    SELECT i.tenant_id AS "tenantId", to_char(i.period_start, 'YYYY-MM') AS month, i.currency, named.number,
      i.invoice_id AS "invoiceId",
      jsonb_build_object('number', i.number, 'status', i.status, 'successor', (
        SELECT s.number FROM invoices s WHERE s.invoice_id = i.superseded_by)) AS invoice,
      ${chargedSoFarOf('i')} AS "soFar", (
        SELECT jsonb_agg(jsonb_build_object('id', old.invoice_id, 'number', old.number,
          'origin', old.note_origin, 'tax', ${taxViewOf('old')})
          ORDER BY old.adjusts_invoice_id IS NOT NULL, old.revision)
        FROM invoices old WHERE old.invoice_id = i.invoice_id OR old.adjusts_invoice_id = i.invoice_id
      ) AS documents
    FROM invoices named JOIN invoices i ON i.invoice_id = ${invoiceOf('named')}
    WHERE named.invoice_id = ${documentId}::uuid
  `);
  const last = row?.documents.at(-1);
  if (row === null || last === undefined) return null;
  const lines = await readInvoiceLines(
    db,
    row.documents.map(({ id }) => id),
  );
  const linesOf = (id: string) => lines.get(id) ?? [];
  return {
    ...row,
    tax: last.tax,
    kinds: new Map(linesOf(documentId).map(({ lineNo, kind }) => [lineNo, kind])),
    charged: row.documents
      .filter(({ origin }) => origin !== 'credit')
      .flatMap(({ id, number }) => linesOf(id).map((line) => ({ ...line, number }))),
    credits: row.documents
      .filter(({ origin }) => origin === 'credit')
      .flatMap(({ id }) => linesOf(id)),
  };
}

const givenCredit = z.object({
  noteId: z.string(),
  adjustsInvoiceId: z.string().nullable(),
  reason: z.string().nullable(),
  number: z.string().nullable(),
  lineNo: z.number().nullable(),
  amountCents: z.number().nullable(),
});

/**
 * Returns what a request id was used for: a credit of the tenant, or anything else for the same month; null if for
 * nothing yet. The fields of what isn't a credit are null.
 */
export function findGivenCredit(
  tx: Transaction,
  { tenantId, month }: Pick<Creditable, 'tenantId' | 'month'>,
  requestId: string,
): Promise<z.infer<typeof givenCredit> | null> {
  return tx.maybeOne(sql.type(givenCredit)`
    SELECT n.invoice_id AS "noteId", n.adjusts_invoice_id AS "adjustsInvoiceId", n.reason,
      l.meta ->> 'credited_number' AS number, (l.meta ->> 'credited_line_no')::int AS "lineNo",
      -l.amount_cents AS "amountCents"
    FROM invoices n LEFT JOIN invoice_lines l ON l.invoice_id = n.invoice_id AND l.kind = 'credit'
    WHERE n.tenant_id = ${tenantId} AND n.request_id = ${requestId}
      AND (n.note_origin = 'credit' OR n.period_start = ${`${month}-01`}::date)
    ORDER BY n.period_start LIMIT 1
  `);
}

/** Whether a credit of the tenant was given by this request. */
export function isCreditGiven(
  db: Queryable,
  tenantId: string,
  requestId: string,
): Promise<boolean> {
  return db.exists(sql.typeAlias('nothing')`
    SELECT FROM invoices
    WHERE tenant_id = ${tenantId} AND request_id = ${requestId} AND note_origin = 'credit'
  `);
}

/**
 * Issues the adjustment note of a credit, with its digest and its webhook event. The caller holds the locks on tenant and
 * invoice.
 * @returns the note's id
 */
export async function insertCredit(
  tx: Transaction,
  { tenantId, invoiceId }: Pick<Creditable, 'tenantId' | 'invoiceId'>,
  note: ComposedInvoice,
  {
    requestId,
    actor,
    reason,
  }: { readonly requestId: string; readonly actor: string; readonly reason: string },
): Promise<string> {
  // Documents have the id of a draft. This one is closed already, and sealed nothing.
  const noteId = await tx.oneFirst(sql.type(z.object({ draft_id: z.string() }))`
    INSERT INTO invoice_drafts (tenant_id, period_start, state, owner, owner_started_at, replaces_invoice_id, closed_at)
    SELECT tenant_id, period_start, 'issued', ${`credit ${requestId}`}, now(), invoice_id, now()
    FROM invoices WHERE invoice_id = ${invoiceId}::uuid
    RETURNING draft_id
  `);
  const { subtotalCents, taxableCents, taxCents, totalCents } = note;
  await tx.query(sql.typeAlias('nothing')`
    WITH seller AS MATERIALIZED (${CURRENT_SELLER}), numbered AS (
      UPDATE tenants SET last_note_seq = last_note_seq + 1 WHERE tenant_id = ${tenantId}
      RETURNING name, last_note_seq AS seq
    ), header AS (
      INSERT INTO invoices (invoice_id, kind, adjusts_invoice_id, note_origin, tenant_id, period_start, period_end,
        revision, tenant_seq, number, currency, subtotal_cents, taxable_cents, tax_cents, total_cents, ${KIND_COLUMN_NAMES}, tax_treatment, tax_label,
        tax_rate, tax_note, seller_registered, aud_rate, aud_rate_source, tax_aud_cents, request_id, actor, reason,
        buyer_name, buyer_version, seller_version, payment_days)
      SELECT ${noteId}::uuid, 'adjustment_note', i.invoice_id, 'credit', i.tenant_id, i.period_start, i.period_end,
        1 + (SELECT count(*) FROM invoices earlier WHERE earlier.adjusts_invoice_id = i.invoice_id),
        n.seq, i.tenant_id || '-A' || ${DIGITS_OF_NUMBER}, i.currency,
        ${subtotalCents}, ${taxableCents}, ${taxCents}, ${totalCents}, ${kindsOf('t')}, t.tax_treatment, t.tax_label, t.tax_rate, t.tax_note,
        t.seller_registered, t.aud_rate, t.aud_rate_source, t.tax_aud_cents, ${requestId}, ${actor}, ${reason},
        n.name, (SELECT max(b.version) FROM buyer_details b WHERE b.tenant_id = i.tenant_id),
        seller.version, seller.payment_days
      FROM invoices i CROSS JOIN seller CROSS JOIN numbered n CROSS JOIN ${rowsAs('t', { ...KIND_COLUMNS, ...TAX_COLUMNS }, [{ ...kindColumns(note.lines), ...taxColumns(note.tax) }])}
      WHERE i.invoice_id = ${invoiceId}::uuid
    )
    ${insertingLines([{ draftId: noteId, lines: note.lines }])}
  `);
  await tx.query(sql.typeAlias('nothing')`
    WITH digests AS (${makingDigests([noteId])}), ${tellingIssued([{ documentId: noteId, isNote: true, isRevision: false }])}
    SELECT WHERE false
  `);
  return noteId;
}

const document = z.object({ documentId: z.string(), currency: z.string() });

/** Returns the invoice or adjustment note with this number or id; null if there is none. */
export function findDocument(
  db: Queryable,
  idOrNumber: string,
): Promise<z.infer<typeof document> | null> {
  return db.maybeOne(sql.type(document)`
    SELECT invoice_id AS "documentId", currency FROM invoices
    WHERE ${
      z.uuid().safeParse(idOrNumber).success
        ? sql.fragment`invoice_id = ${idOrNumber}::uuid`
        : sql.fragment`number = ${idOrNumber}`
    }
  `);
}
