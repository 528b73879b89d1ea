import { Command } from 'commander';
import { compareIssued, skipReusable, type IssuedComparison } from '../../audit/compare-issued.ts';
import { IssuedListError, parseIssuedList, type ListedInvoice } from '../../audit/issued-list.ts';
import type { SkippedNumbers } from '../../db/invoices/invoice-numbers.ts';
import { reasonArgument } from '../arguments.ts';
import { CliError, EXIT_WRONG } from '../cli-error.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { print } from '../output.ts';
import { readTextFile } from '../read-input-file.ts';
import { actor, operatorAction } from '../record-action.ts';
import { style } from '../render/styled-text.ts';
import { renderTable, type Column } from '../render/text-table.ts';
import { counted } from '../../domain/format.ts';

interface Options {
  readonly skipLost?: boolean;
  readonly reason?: string;
}

type Result = IssuedComparison & { readonly skipped: readonly SkippedNumbers[] };

export function invoicesCheckListCommand(): Command {
  return new Command('check-list')
    .description(
      'check a list of issued invoices and adjustment notes against the database, after a restore',
    )
    .argument('<file>', 'CSV with a column number, or webhook bodies, one JSON object per line')
    .option('--skip-lost', 'never issue the missing numbers again; requires --reason')
    .option('--reason <text>', 'reason, stored with the skipped numbers', reasonArgument)
    .addHelpText(
      'after',
      `
Lists the invoices and adjustment notes of the file that the database doesn't have, and those that it has
with another month, currency, total or id, or without their mark as void. The file can be a summary of
\`month-end export\` (columns number, invoice_id, period_start, currency, total and status; only number is
required), or what a webhook receiver has logged.

--skip-lost moves each tenant's next number beyond the missing ones. It can't be undone. \`month-end verify\`
accepts the gap, because it is on record. Run it before the month is invoiced again. Exit code 3 means that
invoices are missing or different.

Examples:
  npm run cli -- invoices check-list summary-2026-05.csv
  npm run cli -- invoices check-list received.ndjson --skip-lost --reason "restored the dump of 1 June"`,
    )
    .action(async (path: string, { skipLost, reason }: Options, command: Command) => {
      if (skipLost && reason === undefined) throw new CliError('--skip-lost requires --reason');
      const env = readEnvironment(process.env);
      const result: Result =
        skipLost && reason !== undefined
          ? await operatorAction(command, env, async (db) => {
              const list = await readList(path);
              const why = { actor: actor(), reason };
              const skipped = await skipReusable(db, await compareIssued(db, list), why);
              return { ...(await compareIssued(db, list)), skipped };
            })
          : await withDatabase(env, async (db) => ({
              ...(await compareIssued(db, await readList(path))),
              skipped: [],
            }));
      print(command, result, renderComparison, toJson);
      if (result.differences.length > 0) process.exitCode = EXIT_WRONG;
    });
}

async function readList(path: string): Promise<readonly ListedInvoice[]> {
  try {
    return parseIssuedList(await readTextFile(path));
  } catch (error) {
    if (error instanceof IssuedListError) throw new CliError(`${path}: ${error.message}`);
    throw error;
  }
}

const COLUMNS: readonly Column<IssuedComparison['differences'][number]>[] = [
  { head: 'number', value: ({ listed }) => listed.number },
  { head: 'month', value: ({ listed }) => listed.periodStart?.slice(0, 7) ?? null },
  { head: 'currency', value: ({ listed }) => listed.currency },
  { head: 'total', align: 'right', value: ({ listed }) => listed.total },
  { head: '', value: ({ what }) => what, format: () => 'red' },
  { head: 'detail', wrap: true, value: ({ detail }) => detail },
];

/** The differences as a table, what was skipped, and what to do about numbers that would be issued again. */
export function renderComparison({ listed, differences, reusable, skipped }: Result): string {
  const of = (wanted: 'missing' | 'different') =>
    differences.filter(({ what }) => what === wanted).length;
  if (differences.length === 0) {
    return style('green', `The database has all ${counted(listed, 'listed invoice')}.`);
  }
  return [
    `${counted(listed, 'invoice')} listed: ${of('missing')} missing, ${of('different')} different`,
    '',
    renderTable(COLUMNS, differences),
    ...(skipped.length > 0 ? ['', 'Skipped, never to be issued again:'] : []),
    ...skipped.map(({ tenant_id, kind, first_seq, last_seq }) => {
      const series = kind === 'invoice' ? tenant_id : `${tenant_id}, adjustment notes`;
      return `  ${series}: ${first_seq === last_seq ? first_seq : `${first_seq} to ${last_seq}`}`;
    }),
    ...(reusable.length > 0
      ? ['', 'To never issue the missing numbers again, add --skip-lost --reason TEXT.']
      : []),
  ].join('\n');
}

function toJson({ listed, differences, reusable, skipped }: Result): object {
  return {
    listed,
    differences: differences.map(({ listed: invoice, what, detail }) => ({
      number: invoice.number,
      invoice_id: invoice.invoiceId,
      period_start: invoice.periodStart,
      currency: invoice.currency,
      total: invoice.total,
      what,
      detail,
    })),
    reusable: reusable.map(({ tenantId, kind, seq }) => ({
      tenant_id: tenantId,
      kind,
      last_seq: seq,
    })),
    skipped,
  };
}
