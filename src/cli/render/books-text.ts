import type { BooksExported, WrittenExport } from '../../documents/export-books.ts';
import { counted } from '../../domain/format.ts';

/** Returns what was exported to Xero, what waits, and what to look at. */
export function renderBooks(
  {
    written,
    waiting,
  }: Pick<BooksExported, 'written'> & { waiting: BooksExported['waiting'] | null },
  folder: string,
): string {
  const { unreleased = 0, unsupported = 0 } = waiting ?? {};
  return [
    ...(written.length === 0 ? ['Xero: nothing new since the last export.'] : []),
    ...written.flatMap((each) => renderExport(each, folder)),
    ...(unreleased === 0
      ? []
      : [
          `Xero: ${counted(unreleased, 'document')} not exported, because the month is not released.`,
        ]),
    ...(unsupported === 0
      ? []
      : [
          `Xero: ${counted(unsupported, 'document')} to book by hand: in a currency that does not have two decimals, or a note that only corrects tax.`,
        ]),
  ].join('\n');
}

function renderExport(
  { exportId, isRepeated, documents, reversals, files, differing }: WrittenExport,
  folder: string,
): string[] {
  const again = isRepeated ? ', written again' : '';
  return [
    `Xero: export ${exportId}${again}: ${counted(documents, 'document')} and ${counted(reversals, 'reversal')}, ` +
      `${counted(files.length, 'file')} in ${folder}`,
    ...(differing === 0
      ? []
      : [
          `  The total of ${counted(differing, 'document')} differs in Xero, which rounds tax per line: see ` +
            `${files.at(-1) ?? ''}, or set xero.rounding in the seller file for later exports.`,
        ]),
  ];
}
