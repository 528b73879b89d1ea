import { z } from 'zod';
import { CURRENCIES, minorUnitDecimals } from '../../domain/currency.ts';
import { monthStart, type Month } from '../../domain/period.ts';
import type { LineToBook } from '../../domain/xero-accounts.ts';
import { isReleased } from '../release-facts.ts';
import type { Database, Queryable, Transaction } from '../pool.ts';
import { sql, textArray, type Page } from '../sql.ts';
import { stands } from '../standing.ts';

/**
 * The record of exports to an accounting system: which documents were exported in which export, each once, and which
 * were reversed afterwards (docs/operations/export-to-xero.md).
 */

/** An arbitrary advisory lock key that nothing else uses: exports are recorded and written one after the other. */
const TURN = 4_217_006;

/** Xero computes two decimals in every currency, so in these its amounts or its tax can't be ours. */
const UNSUPPORTED = CURRENCIES.filter((currency) => minorUnitDecimals(currency) !== 2);

/** Runs `work` in a transaction while no other process records or writes an export. */
export function inExportTurn<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query(sql.typeAlias('nothing')`SELECT FROM pg_advisory_xact_lock(${TURN})`);
    return work(tx);
  });
}

/**
 * Records an export of all that is new in a month: documents that were released and not exported yet, and reversals of
 * exported invoices that were superseded or voided since. Runs in the turn of {@link inExportTurn}.
 * @returns its id; null if there is nothing new
 */
export async function recordExport(
  tx: Transaction,
  month: Month,
  { actor, sellerVersion }: { readonly actor: string; readonly sellerVersion: number },
): Promise<number | null> {
  const periodStart = monthStart(month);
  const exportId = await tx.oneFirst(sql.type(z.object({ id: z.number() }))`
    SELECT coalesce(max(export_id), 0) + 1 AS id FROM book_exports
  `);
  const { rowCount } = await tx.query(sql.typeAlias('nothing')`
    WITH new AS MATERIALIZED (
      SELECT i.invoice_id, 'document' AS entry FROM invoices i
      WHERE i.period_start = ${periodStart} AND ${isToExport} AND ${isSupported} AND ${isReleased('i')}
      UNION ALL
      SELECT i.invoice_id, 'reversal' FROM invoices i
      WHERE i.period_start = ${periodStart} AND i.status IN ('superseded', 'void')
        AND ${isExported('document')} AND NOT ${isExported('reversal')}
    ), export AS (
      INSERT INTO book_exports (export_id, period_start, seller_version, actor)
      SELECT ${exportId}, ${periodStart}, ${sellerVersion}, ${actor} WHERE EXISTS (SELECT FROM new)
    )
    INSERT INTO book_export_documents (invoice_id, entry, export_id)
    -- Foreign keys lock invoices in this order, which is that of payments: otherwise they could deadlock.
    SELECT invoice_id, entry, ${exportId} FROM new ORDER BY invoice_id
  `);
  return rowCount === 0 ? null : exportId;
}

function isExported(entry: 'document' | 'reversal') {
  return sql.fragment`EXISTS (
    SELECT FROM book_export_documents b WHERE b.invoice_id = i.invoice_id AND b.entry = ${entry}
  )`;
}

/** Condition on a document `i`: it has to be exported, now or later. A document without lines books nothing. */
const isToExport = sql.fragment`(
  i.status = 'issued' AND (i.kind = 'adjustment_note' OR ${stands('i')}) AND NOT ${isExported('document')}
  AND EXISTS (SELECT FROM invoice_lines l WHERE l.invoice_id = i.invoice_id))`;

/** Condition on a document `i`: Xero's import can book it. It has no place for a note that only corrects tax. */
const isSupported = sql.fragment`(
  i.currency <> ALL(${textArray(UNSUPPORTED)})
  AND EXISTS (SELECT FROM invoice_lines l WHERE l.invoice_id = i.invoice_id AND l.kind <> 'tax'))`;

const waiting = z.object({ unreleased: z.number(), unsupported: z.number() });
/** Documents of a month that are not exported: until they are released, or because Xero's import can't book them. */
export type WaitingDocuments = z.infer<typeof waiting>;

export function countWaitingDocuments(db: Queryable, month: Month): Promise<WaitingDocuments> {
  return db.one(sql.type(waiting)`
    SELECT count(*) FILTER (WHERE NOT ${isReleased('i')}) AS unreleased,
      count(*) FILTER (WHERE ${isReleased('i')} AND NOT ${isSupported}) AS unsupported
    FROM invoices i WHERE i.period_start = ${monthStart(month)} AND ${isToExport}
  `);
}

const lineToBook = z.object({
  kind: z.string(),
  treatment: z.string(),
  isTaxed: z.boolean(),
  /** A line that is booked like that. */
  number: z.string(),
  lineNo: z.number(),
});

/**
 * Returns each combination that decides where lines of an export's documents are booked, with one line as an example.
 * Reversals are left out, because they are booked as their documents were.
 */
export function listLinesToBook(
  db: Queryable,
  exportId: number,
): Promise<readonly (LineToBook & z.infer<typeof lineToBook>)[]> {
  return db.any(sql.type(lineToBook)`
    SELECT DISTINCT ON (kind, treatment, "isTaxed") * FROM (
      SELECT l.kind, i.tax_treatment AS treatment, i.seller_registered AND l.taxable AS "isTaxed", i.number,
        l.line_no AS "lineNo"
      FROM book_export_documents b JOIN invoices i USING (invoice_id) JOIN invoice_lines l USING (invoice_id)
      WHERE b.export_id = ${exportId} AND b.entry = 'document' AND l.kind <> 'tax'
    ) line
    ORDER BY kind, treatment, "isTaxed", number, "lineNo"
  `);
}

const bookExport = z.object({
  exportId: z.number(),
  month: z.string(),
  exportedAt: z.string(),
  isWritten: z.boolean(),
});
export type BookExport = z.infer<typeof bookExport>;

const EXPORTS = sql.fragment`
  SELECT e.export_id AS "exportId", to_char(e.period_start, 'YYYY-MM') AS month,
    e.exported_at AS "exportedAt", w.export_id IS NOT NULL AS "isWritten"
  FROM book_exports e LEFT JOIN book_exports_written w USING (export_id)`;

/** Returns an export; null if there is none with this id. */
export function findExport(db: Queryable, exportId: number): Promise<BookExport | null> {
  return db.maybeOne(sql.type(bookExport)`${EXPORTS} WHERE e.export_id = ${exportId}`);
}

/** Returns a month's exports, oldest first. */
export function listExports(db: Queryable, month: Month): Promise<readonly BookExport[]> {
  return db.any(sql.type(bookExport)`
    ${EXPORTS} WHERE e.period_start = ${monthStart(month)} ORDER BY e.export_id
  `);
}

/** Notes that all files of an export were written. */
export async function markWritten(tx: Transaction, exportId: number): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO book_exports_written (export_id) VALUES (${exportId}) ON CONFLICT DO NOTHING
  `);
}

const entry = z.object({
  invoiceId: z.string(),
  number: z.string(),
  entry: z.enum(['document', 'reversal']),
  /** The day on which the document was superseded or voided, in the billing time zone; null for a document. */
  reversedOn: z.string().nullable(),
  /** The seller version of the export that has the document: a reversal is booked as its document was. */
  sellerVersion: z.number(),
});
/** A document in an export, or the reversal of one. */
export type ExportEntry = z.infer<typeof entry>;

/** Returns a page of an export's entries, in the order of their numbers; a document comes before its reversal. */
export function listExportEntries(
  db: Queryable,
  exportId: number,
  { after, limit }: Page<Pick<ExportEntry, 'number' | 'entry'>>,
): Promise<readonly ExportEntry[]> {
  return db.any(sql.type(entry)`
    SELECT b.invoice_id AS "invoiceId", i.number, b.entry, CASE WHEN b.entry = 'reversal' THEN
        billing_date(CASE i.status WHEN 'void' THEN c.changed_at ELSE i.superseded_at END)
      END AS "reversedOn", e.seller_version AS "sellerVersion"
    FROM book_export_documents b JOIN invoices i USING (invoice_id)
    JOIN book_export_documents d ON d.invoice_id = b.invoice_id AND d.entry = 'document'
    JOIN book_exports e ON e.export_id = d.export_id
    LEFT JOIN invoice_status_changes c ON c.invoice_id = i.invoice_id
    WHERE b.export_id = ${exportId} AND (${after === null} OR (i.number COLLATE "C", b.entry)
      > (${after?.number ?? ''}::text COLLATE "C", ${after?.entry ?? ''}::text))
    ORDER BY i.number COLLATE "C", b.entry LIMIT ${limit}
  `);
}

/** Returns the number of documents in an export, reversals included. */
export function countExportEntries(db: Queryable, exportId: number): Promise<number> {
  return db.oneFirst(sql.type(z.object({ count: z.number() }))`
    SELECT count(*) AS count FROM book_export_documents WHERE export_id = ${exportId}
  `);
}
