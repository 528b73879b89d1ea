import { join } from 'node:path';
import {
  countDocuments,
  listDocumentSources,
  type DocumentCursor,
  type DocumentSource,
} from '../db/invoices/invoice-documents.ts';
import type { Database, Queryable } from '../db/pool.ts';
import { inOneSnapshot } from '../db/transactions.ts';
import { monthStart, type Month } from '../domain/period.ts';
import { makePrivateFolder, writeWhole } from '../lib/private-files.ts';
import { documentFileName, renderDocument, type DocumentFormat } from './render-document.ts';
import {
  isLive,
  NOTES_CSV_HEAD,
  notesCsvRows,
  SUMMARY_CSV_HEAD,
  summaryCsvRows,
} from './document-csv.ts';

/** Documents in memory at a time. */
const PAGE_SIZE = 50;

export interface ExportOptions {
  readonly folder: string;
  readonly formats: readonly DocumentFormat[];
  readonly onProgress: (done: number, total: number) => void;
}

export interface Exported {
  /** Including superseded and void ones. */
  readonly invoices: number;
  readonly adjustment_notes: number;
  readonly files: number;
}

/**
 * Writes the documents of all invoices and adjustment notes of a month and three tables for accounting, all from one
 * snapshot. `summary-MONTH.csv` has the live invoices, so its sums are the month's control totals;
 * `superseded-and-void-MONTH.csv` has the others; `adjustment-notes-MONTH.csv` has the notes. A file appears whole or not
 * at all, and only its owner can read it. A second export writes the same bytes.
 * @throws NoSellerError; the file system's errors
 */
export function exportMonth(
  db: Database,
  month: Month,
  { folder, formats, onProgress }: ExportOptions,
): Promise<Exported> {
  const periodStart = monthStart(month);
  return inOneSnapshot(db, async (tx) => {
    const total = await countDocuments(tx, periodStart);
    const counts = { invoice: 0, adjustment_note: 0 };
    let files = 0;
    if (total > 0) {
      makePrivateFolder(folder);
      // Only the live invoices are called a summary, so that adding up all summaries of a folder is right.
      files = await writeTables(folder, month, async (tables) => {
        let written = 0;
        for await (const sources of pagesOf(tx, periodStart)) {
          for (const source of sources) {
            await writeDocuments(folder, source, formats);
            counts[source.kind] += 1;
            onProgress((written += 1), total);
          }
          const invoices = sources.filter((source) => source.kind === 'invoice');
          await tables.live(summaryCsvRows(invoices.filter(isLive)));
          await tables.others(summaryCsvRows(invoices.filter((invoice) => !isLive(invoice))));
          await tables.notes(
            notesCsvRows(sources.filter((source) => source.kind === 'adjustment_note')),
          );
        }
        return written * formats.length;
      });
    }
    return { invoices: counts.invoice, adjustment_notes: counts.adjustment_note, files };
  });
}

type Append = (text: string) => Promise<void>;

/** Opens the three tables, and names them once `fill` has ended. @returns how many files there are then */
async function writeTables(
  folder: string,
  month: Month,
  fill: (tables: Readonly<Record<'live' | 'others' | 'notes', Append>>) => Promise<number>,
): Promise<number> {
  let documents = 0;
  const path = (name: string) => join(folder, `${name}-${month}.csv`);
  await writeWhole(path('summary'), (live) =>
    writeWhole(path('superseded-and-void'), (others) =>
      writeWhole(path('adjustment-notes'), async (notes) => {
        await live(SUMMARY_CSV_HEAD);
        await others(SUMMARY_CSV_HEAD);
        await notes(NOTES_CSV_HEAD);
        documents = await fill({ live, others, notes });
      }),
    ),
  );
  return documents + 3;
}

async function* pagesOf(
  db: Queryable,
  periodStart: string,
): AsyncGenerator<readonly DocumentSource[]> {
  let after: DocumentCursor | null = null;
  do {
    const page: readonly DocumentSource[] = await listDocumentSources(db, periodStart, {
      after,
      limit: PAGE_SIZE,
    });
    if (page.length > 0) yield page;
    after = page.length < PAGE_SIZE ? null : (page.at(-1) ?? null);
  } while (after !== null);
}

async function writeDocuments(
  folder: string,
  source: DocumentSource,
  formats: readonly DocumentFormat[],
): Promise<void> {
  for (const format of formats) {
    const content = await renderDocument(source, format);
    await writeWhole(join(folder, documentFileName(source.number, format)), (append) =>
      append(content),
    );
  }
}
