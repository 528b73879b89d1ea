import { join } from 'node:path';
import {
  countInvoices,
  listDocumentSources,
  type DocumentCursor,
  type DocumentSource,
} from '../db/invoices/invoice-documents.ts';
import type { Database, Queryable } from '../db/pool.ts';
import { inOneSnapshot } from '../db/transactions.ts';
import { monthStart, type Month } from '../domain/period.ts';
import { makePrivateFolder, writeWhole } from '../lib/private-files.ts';
import { documentFileName, renderDocument, type DocumentFormat } from './render-document.ts';
import { isLive, SUMMARY_CSV_HEAD, summaryCsvRows } from './document-csv.ts';

/** Invoices in memory at a time. */
const PAGE_SIZE = 50;

export interface ExportOptions {
  readonly folder: string;
  readonly formats: readonly DocumentFormat[];
  readonly onProgress: (done: number, total: number) => void;
}

export interface Exported {
  readonly invoices: number;
  readonly files: number;
}

/**
 * Writes the documents of all invoices of a month and two tables for accounting, all from one snapshot.
 * `summary-MONTH.csv` has the live invoices (issued or paid), so its sums are the month's control totals;
 * `superseded-and-void-MONTH.csv` has the others. A file appears whole or not at all, and only its
 * owner can read it. A second export writes the same bytes.
 * @throws NoSellerError; the file system's errors
 */
export function exportMonth(
  db: Database,
  month: Month,
  { folder, formats, onProgress }: ExportOptions,
): Promise<Exported> {
  const periodStart = monthStart(month);
  return inOneSnapshot(db, async (tx) => {
    const total = await countInvoices(tx, periodStart);
    if (total === 0) return { invoices: 0, files: 0 };
    makePrivateFolder(folder);
    let [invoices, files] = [0, 0];
    const summary = join(folder, `summary-${month}.csv`);
    // Not named summary-…, so that adding up all summaries of a folder doesn't count these.
    const others = join(folder, `superseded-and-void-${month}.csv`);
    await writeWhole(summary, (appendLive) =>
      writeWhole(others, async (appendOthers) => {
        await appendLive(SUMMARY_CSV_HEAD);
        await appendOthers(SUMMARY_CSV_HEAD);
        for await (const sources of pagesOf(tx, periodStart)) {
          for (const source of sources) {
            await writeDocuments(folder, source, formats);
            onProgress((invoices += 1), total);
            files += formats.length;
          }
          await appendLive(summaryCsvRows(sources.filter(isLive)));
          await appendOthers(summaryCsvRows(sources.filter((source) => !isLive(source))));
        }
      }),
    );
    return { invoices, files: files + 2 };
  });
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
