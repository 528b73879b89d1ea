import { Command, InvalidArgumentError } from 'commander';
import { exportMonth, type Exported } from '../../documents/export-month.ts';
import {
  DOCUMENT_FORMATS,
  type DocumentFormat,
  NoSellerError,
} from '../../documents/render-document.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { capitalize, CliError } from '../cli-error.ts';
import { print } from '../output.ts';
import { counted } from '../render/styled-text.ts';
import { withProgress } from '../progress-display.ts';

interface Options {
  readonly out?: string;
  readonly formats: readonly DocumentFormat[];
}

export function monthEndExportCommand(): Command {
  return new Command('export')
    .description('write the documents of a month, and summaries for accounting')
    .argument('<month>', 'month, such as 2026-05', monthArgument)
    .option('--out <dir>', 'target folder; default invoices-MONTH')
    .option('--formats <list>', 'comma-separated formats: html, pdf, csv', formatsArgument, [
      ...DOCUMENT_FORMATS,
    ])
    .addHelpText(
      'after',
      `
Writes one file per format for each invoice (superseded ones too) and each adjustment note, named after
its number; summary-MONTH.csv with a row per live invoice; superseded-and-void-MONTH.csv with a row per
other invoice; and adjustment-notes-MONTH.csv with a row per note. Exporting again writes the same bytes.

Examples:
  npm run cli -- month-end export 2026-05
  npm run cli -- month-end export 2026-05 --out /srv/invoices/2026-05 --formats pdf`,
    )
    .action(async (month: Month, options: Options, command: Command) => {
      const folder = options.out ?? `invoices-${month}`;
      const exported = await withDatabase(readEnvironment(process.env), async (db) => {
        const { formats } = options;
        const what = { what: `Writing ${month}`, unit: 'documents', total: null };
        const again = 'Files written so far remain. Run the command again to write the rest.';
        return withProgress(
          what,
          (onProgress) => exportMonth(db, month, { folder, formats, onProgress }),
          again,
        ).catch((error: unknown) => refuse(error, folder));
      });
      if (exported.files === 0) throw new CliError(`There are no invoices for ${month}`);
      print(command, { month, folder, ...exported }, ({ folder, ...exported }) =>
        describe(exported, folder),
      );
    });
}

function describe({ invoices, adjustment_notes: notes, files }: Exported, folder: string): string {
  return `${counted(invoices, 'invoice')}, ${counted(notes, 'adjustment note')}, ${files} files in ${folder}`;
}

function formatsArgument(text: string): DocumentFormat[] {
  const asked = text.split(',');
  const known = DOCUMENT_FORMATS.filter((format) => asked.includes(format));
  if (known.length === new Set(asked).size) return known;
  throw new InvalidArgumentError(
    `expected formats separated by commas: ${DOCUMENT_FORMATS.join(', ')}`,
  );
}

/** @throws CliError for errors that the user can fix; otherwise the error itself */
function refuse(error: unknown, folder: string): never {
  if (error instanceof NoSellerError) throw new CliError(capitalize(error.message));
  if (error instanceof Error && 'syscall' in error && 'path' in error) {
    throw new CliError(`${folder} can't be written: ${error.message}`, { cause: error });
  }
  throw error;
}
