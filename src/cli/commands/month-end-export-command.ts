import { Command, InvalidArgumentError, Option } from 'commander';
import {
  exportBooks,
  exportBooksAgain,
  MissingMappingsError,
  NoXeroSettingsError,
  type BooksExported,
  type WrittenExport,
} from '../../documents/export-books.ts';
import { readSeller } from '../../db/catalogue/seller-details.ts';
import { exportMonth, type Exported } from '../../documents/export-month.ts';
import { DOCUMENT_FORMATS, NoSellerError } from '../../documents/render-document.ts';
import type { Month } from '../../domain/period.ts';
import { integerArgument, monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase, type Environment } from '../environment.ts';
import { capitalize, CliError } from '../cli-error.ts';
import { print, snakeCaseKeys } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { actor, operatorAction } from '../record-action.ts';
import { renderBooks } from '../render/books-text.ts';
import { counted } from '../../domain/format.ts';

const FORMATS = [...DOCUMENT_FORMATS, 'xero'] as const;
type Format = (typeof FORMATS)[number];

interface Options {
  readonly out?: string;
  readonly formats: readonly Format[];
  readonly again?: number;
}

export function monthEndExportCommand(): Command {
  return new Command('export')
    .description('write the documents of a month, and tables for accounting')
    .argument('<month>', 'month, such as 2026-05', monthArgument)
    .option('--out <dir>', 'target folder; default invoices-MONTH')
    .addOption(
      new Option('--formats <list>', 'comma-separated formats: html, pdf, csv, xero')
        .argParser(formatsArgument)
        .default([...FORMATS], 'all'),
    )
    .option(
      '--again <export>',
      'only rewrite the Xero files of this earlier export, byte for byte',
      integerArgument(1, 2_147_483_647),
    )
    .addHelpText(
      'after',
      `
Writes one file per format for each invoice (superseded ones too) and each adjustment note, named after
its number; summary-MONTH.csv with a row per live invoice; superseded-and-void-MONTH.csv with a row per
other invoice; and adjustment-notes-MONTH.csv with a row per note. Exporting again writes the same bytes.

xero: writes sales invoices for Xero's import, if the seller file has the settings "xero". Each document
is in one export only: exporting again writes what is new, and reversals of exported invoices that were
superseded or voided since. Documents wait until they are released. --again writes an export again.

Examples:
  npm run cli -- month-end export 2026-05
  npm run cli -- month-end export 2026-05 --out /srv/invoices/2026-05 --formats pdf
  npm run cli -- month-end export 2026-05 --out /srv/xero --again 7`,
    )
    .action(async (month: Month, options: Options, command: Command) => {
      const { formats, again } = options;
      const folder = options.out ?? `invoices-${month}`;
      const env = readEnvironment(process.env);
      const task = { env, command, month, folder };
      if (again !== undefined) {
        const written = await writeAgain(task, again);
        print(
          command,
          { month, folder, ...written },
          (shown) => renderBooks({ written: [shown], waiting: null }, shown.folder),
          snakeCaseKeys,
        );
        return;
      }
      const exported = await exportDocuments(task, formats);
      const books = await exportToXero(task, formats);
      print(
        command,
        { month, folder, ...exported, xero: books },
        (shown) =>
          [
            describe(shown, shown.folder),
            ...(shown.xero === null ? [] : [renderBooks(shown.xero, shown.folder)]),
          ].join('\n'),
        snakeCaseKeys,
      );
    });
}

interface Task {
  readonly env: Environment;
  readonly command: Command;
  readonly month: Month;
  readonly folder: string;
}

async function exportDocuments(
  { env, month, folder }: Task,
  asked: readonly Format[],
): Promise<Exported> {
  const formats = DOCUMENT_FORMATS.filter((format) => asked.includes(format));
  const exported = await withDatabase(env, (db) => {
    const what = { what: `Writing ${month}`, unit: 'documents', total: null };
    const again = 'Files written so far remain. Run the command again to write the rest.';
    return withProgress(
      what,
      (onProgress) => exportMonth(db, month, { folder, formats, onProgress }),
      again,
    ).catch((error: unknown) => refuse(error, folder));
  });
  if (exported.files === 0) throw new CliError(`There are no invoices for ${month}`);
  return exported;
}

/** Returns null if Xero isn't set up and wasn't asked for by name. */
async function exportToXero(
  { env, command, month, folder }: Task,
  asked: readonly Format[],
): Promise<BooksExported | null> {
  if (!asked.includes('xero')) return null;
  if (command.getOptionValueSource('formats') === 'default') {
    const seller = await withDatabase(env, readSeller);
    if (!seller?.xero) return null;
  }
  return operatorAction(command, env, (db) =>
    writingXero(folder, (onProgress) => exportBooks(db, month, actor(), { folder, onProgress })),
  );
}

async function writeAgain(
  { env, command, month, folder }: Task,
  exportId: number,
): Promise<WrittenExport> {
  return operatorAction(command, env, async (db) => {
    const written = await writingXero(folder, (onProgress) =>
      exportBooksAgain(db, month, exportId, { folder, onProgress }),
    );
    if (written === null) throw new CliError(`${month} has no export ${exportId}`);
    return written;
  });
}

function writingXero<T>(
  folder: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const what = { what: 'Writing for Xero', unit: 'documents', total: null };
  const again = 'The next export of the month writes what is missing.';
  return withProgress(what, work, again).catch((error: unknown) => refuse(error, folder));
}

function describe({ invoices, adjustment_notes: notes, files }: Exported, folder: string): string {
  return `${counted(invoices, 'invoice')}, ${counted(notes, 'adjustment note')}, ${counted(files, 'file')} in ${folder}`;
}

function formatsArgument(text: string): Format[] {
  const asked = text.split(',');
  const known = FORMATS.filter((format) => asked.includes(format));
  if (known.length === new Set(asked).size) return known;
  throw new InvalidArgumentError(`expected formats separated by commas: ${FORMATS.join(', ')}`);
}

/** @throws CliError for errors that the user can fix; otherwise the error itself */
function refuse(error: unknown, folder: string): never {
  if (error instanceof NoSellerError) throw new CliError(capitalize(error.message));
  if (error instanceof NoXeroSettingsError) {
    const hint = 'Add "xero" to the seller file, and apply it: `seller apply FILE`.';
    throw new CliError(capitalize(error.message), { hint });
  }
  if (error instanceof MissingMappingsError) {
    const hint = 'Add them, apply the file with `seller apply FILE`, and export again.';
    throw new CliError(capitalize(error.message), { list: error.missing, hint });
  }
  if (error instanceof Error && 'syscall' in error && 'path' in error) {
    throw new CliError(`${folder} can't be written: ${error.message}`, { cause: error });
  }
  throw error;
}
