import { join } from 'node:path';
import {
  countExportEntries,
  countWaitingDocuments,
  findExport,
  inExportTurn,
  listExportEntries,
  listExports,
  listLinesToBook,
  markWritten,
  recordExport,
  type BookExport,
  type ExportEntry,
  type WaitingDocuments,
} from '../db/invoices/book-exports.ts';
import { findDocumentSources } from '../db/invoices/invoice-documents.ts';
import { readSeller, readXeroSettings } from '../db/catalogue/seller-details.ts';
import type { Database, Queryable } from '../db/pool.ts';
import type { Month } from '../domain/period.ts';
import { bookingOf, type XeroSettings } from '../domain/xero-accounts.ts';
import { makePrivateFolder, writeWhole } from '../lib/private-files.ts';
import {
  totalInXero,
  XERO_CSV_HEAD,
  XERO_TOTALS_HEAD,
  xeroCsvRows,
  xeroDocument,
  xeroTotalsRows,
  type XeroDocument,
} from './xero-rows.ts';

/** The largest number of invoices that Xero imports from one file. */
const INVOICES_PER_FILE = 500;

/** The seller file has no `xero` settings. */
export class NoXeroSettingsError extends Error {
  override readonly name = 'NoXeroSettingsError';

  constructor() {
    super('the seller file has no xero settings, which map lines to accounts in Xero');
  }
}

/** Lines can't be booked until the seller file maps them. Nothing was recorded. */
export class MissingMappingsError extends Error {
  override readonly name = 'MissingMappingsError';
  /** A sentence for each missing setting. */
  readonly missing: readonly string[];

  constructor(missing: readonly string[]) {
    super("the seller file doesn't say where some lines are booked in Xero");
    this.missing = missing;
  }
}

/** An export whose files were written. */
export interface WrittenExport {
  readonly exportId: number;
  /** Whether an earlier run recorded it. */
  readonly isRepeated: boolean;
  readonly documents: number;
  readonly reversals: number;
  /** In the given folder. */
  readonly files: readonly string[];
  /** Documents whose total in Xero differs, because Xero rounds tax per line. */
  readonly differing: number;
}

export interface BooksExported {
  /** Interrupted exports first, then the new one. */
  readonly written: readonly WrittenExport[];
  readonly waiting: WaitingDocuments;
}

interface Target {
  readonly folder: string;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Records an export of all that is new in a month, and then writes its files. An export that was recorded by a run that
 * ended before its files were complete is written first. So no document is lost, and none is in two exports.
 * @throws NoXeroSettingsError, MissingMappingsError; the file system's errors, after which the next run continues
 */
export async function exportBooks(
  db: Database,
  month: Month,
  actor: string,
  target: Target,
): Promise<BooksExported> {
  const newId = await inExportTurn(db, async (tx) => {
    const seller = await readSeller(tx);
    if (!seller?.xero) throw new NoXeroSettingsError();
    const settings = seller.xero;
    const exportId = await recordExport(tx, month, { actor, sellerVersion: seller.version });
    if (exportId !== null) await requireMappings(tx, exportId, settings);
    return exportId;
  });
  const written = await inExportTurn(db, async (tx) => {
    const unfinished = (await listExports(tx, month)).filter(({ isWritten }) => !isWritten);
    const done: WrittenExport[] = [];
    for (const found of unfinished) {
      done.push(await writeExport(tx, found, found.exportId !== newId, target));
      await markWritten(tx, found.exportId);
    }
    return done;
  });
  return { written, waiting: await countWaitingDocuments(db, month) };
}

/**
 * Writes the files of an earlier export again, with the same bytes.
 * @returns null if the month has no such export
 */
export function exportBooksAgain(
  db: Database,
  month: Month,
  exportId: number,
  target: Target,
): Promise<WrittenExport | null> {
  return inExportTurn(db, async (tx) => {
    const found = await findExport(tx, exportId);
    if (found?.month !== month) return null;
    const written = await writeExport(tx, found, true, target);
    await markWritten(tx, exportId);
    return written;
  });
}

/** @throws MissingMappingsError */
async function requireMappings(
  db: Queryable,
  exportId: number,
  settings: XeroSettings,
): Promise<void> {
  const missing = new Map<string, string>();
  for (const line of await listLinesToBook(db, exportId)) {
    const booking = bookingOf(settings, line);
    if (!('missing' in booking) || missing.has(booking.missing)) continue;
    const example = `line ${line.lineNo} of ${line.number}`;
    missing.set(booking.missing, `${booking.missing} is missing: ${example} needs it`);
  }
  if (missing.size > 0) throw new MissingMappingsError([...missing.values()]);
}

async function writeExport(
  db: Queryable,
  { exportId, month }: BookExport,
  isRepeated: boolean,
  { folder, onProgress }: Target,
): Promise<WrittenExport> {
  makePrivateFolder(folder);
  const total = await countExportEntries(db, exportId);
  const name = `xero-${month}-export-${exportId}`;
  const parts = Math.ceil(total / INVOICES_PER_FILE);
  const totals = `${name}-totals.csv`;
  const files: string[] = [];
  let [documents, reversals, differing] = [0, 0, 0];
  await writeWhole(join(folder, totals), async (appendTotals) => {
    await appendTotals(XERO_TOTALS_HEAD);
    for await (const page of pagesOf(db, exportId)) {
      const file = `${name}-${files.length + 1}-of-${parts}.csv`;
      await writeWhole(join(folder, file), async (append) => {
        await append(XERO_CSV_HEAD);
        for (const document of page) await append(xeroCsvRows(document));
      });
      files.push(file);
      await appendTotals(xeroTotalsRows(page));
      reversals += page.filter(({ entry }) => entry === 'reversal').length;
      differing += page.filter((each) => totalInXero(each) !== each.totalCents).length;
      documents += page.length;
      onProgress(documents, total);
    }
  });
  return {
    exportId,
    isRepeated,
    documents: documents - reversals,
    reversals,
    files: [...files, totals],
    differing,
  };
}

/** Returns the documents of an export, as many at a time as a file may have. */
async function* pagesOf(db: Queryable, exportId: number): AsyncGenerator<readonly XeroDocument[]> {
  const settings = new Map<number, XeroSettings>();
  let after: ExportEntry | null = null;
  for (;;) {
    const entries: readonly ExportEntry[] = await listExportEntries(db, exportId, {
      after,
      limit: INVOICES_PER_FILE,
    });
    if (entries.length === 0) return;
    const sources = await findDocumentSources(
      db,
      entries.map(({ invoiceId }) => invoiceId),
    );
    for (const { sellerVersion } of entries) {
      if (settings.has(sellerVersion)) continue;
      const found = await readXeroSettings(db, sellerVersion);
      if (found === null) throw new NoXeroSettingsError();
      settings.set(sellerVersion, found);
    }
    const byId = new Map(sources.map((source) => [source.invoice_id, source]));
    yield entries.map((each) => {
      const source = byId.get(each.invoiceId);
      const booked = settings.get(each.sellerVersion);
      if (!source || !booked) throw new Error(`document ${each.number} is gone`);
      return xeroDocument(source, each, booked);
    });
    after = entries.at(-1) ?? null;
  }
}
