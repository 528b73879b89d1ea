import type { Command } from 'commander';
import { applyTaxFile, type AppliedTax } from '../catalogue/apply-tax.ts';
import { formatPath, formatProblem } from '../catalogue/apply-error.ts';
import type { InputFile } from '../catalogue/input-file.ts';
import { NO_TAX, parseTaxFile, type TaxFile } from '../catalogue/tax-file.ts';
import { readEnvironment } from './environment.ts';
import { describeInputFile } from './read-input-file.ts';
import { operatorAction } from './record-action.ts';
import { note, print, wantsJson } from './output.ts';
import { renderTable } from './render/text-table.ts';

/**
 * Applies tax data from a file and prints what changed, with its warnings.
 * @throws ApplyError
 */
export async function applyTaxFrom(command: Command, file: InputFile): Promise<void> {
  const sent = parseTaxFile(file);
  await applyAndPrint(command, sent, file.name, describeInputFile(file));
}

/**
 * Applies the one entry that the command line gives, validated as a file is.
 * @param sent fields of a tax file
 * @throws ApplyError
 */
export async function applyTaxEntry(
  command: Command,
  sent: Partial<Record<keyof TaxFile, readonly object[]>>,
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify({ ...NO_TAX, ...sent }));
  const name = 'the command';
  await applyAndPrint(command, parseTaxFile({ name, bytes }), name);
}

async function applyAndPrint(
  command: Command,
  file: TaxFile,
  name: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const applied = await operatorAction(
    command,
    readEnvironment(process.env),
    (db) => applyTaxFile(db, file, { name }),
    more,
  );
  // With --json, the document has them.
  if (!wantsJson()) {
    for (const warning of applied.warnings) note(`warning: ${formatProblem(warning)}`);
  }
  const warnings = applied.warnings.map(({ path, message }) => ({ at: formatPath(path), message }));
  print(command, { changes: changesOf(applied), warnings }, ({ changes }) =>
    renderTable(
      [
        { head: 'what', value: ({ what }) => what },
        { head: 'created', align: 'right', value: ({ created }) => created },
        { head: 'corrected', align: 'right', value: ({ corrected }) => corrected },
        { head: 'unchanged', align: 'right', value: ({ unchanged }) => unchanged },
      ],
      changes,
      'The file has no tax data.',
    ),
  );
}

/** Kinds that the input names. */
function changesOf({ treatments, assignments, registrations, exchangeRates }: AppliedTax) {
  const kinds = {
    'tax treatments': treatments,
    'tax treatments of tenants': assignments,
    'GST registrations': registrations,
    'exchange rates': exchangeRates,
  };
  return Object.entries(kinds)
    .map(([what, { created, corrected, unchanged }]) => ({
      ...{ what, created: created.length, corrected: corrected.length, unchanged },
    }))
    .filter(({ created, corrected, unchanged }) => created + corrected + unchanged > 0);
}
