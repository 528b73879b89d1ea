import { Command } from 'commander';
import { readDifference, type LineChangeView } from '../../db/invoices/invoice-difference.ts';
import {
  showInvoiceHeader,
  type InvoiceHeader,
  type InvoiceLine,
} from '../../db/invoices/invoice-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../cli-error.ts';
import { requireInvoice } from '../preconditions.ts';
import { print } from '../output.ts';
import { joinFigure, plainLineText } from '../../display/line-text.ts';
import { taxChangeText } from '../../display/tax-text.ts';
import { formatAmount, formatMoney } from '../../domain/format.ts';
import { whoAndWhy } from '../render/invoice-text.ts';
import { style } from '../render/styled-text.ts';
import { renderTable, type Column } from '../render/text-table.ts';

export function invoicesDiffCommand(): Command {
  return new Command('diff')
    .description('show how a revision differs from the invoice it replaced')
    .argument('<invoice>', 'number or id of the revision')
    .addHelpText('after', '\nExample:\n  npm run cli -- invoices diff acme-000002')
    .action(async (idOrNumber: string, _options, command: Command) => {
      const replacement = await withDatabase(readEnvironment(process.env), (db) =>
        readReplacement(db, idOrNumber),
      );
      print(command, replacement, renderDifference, ({ before, after, changes }) => {
        const { number, replaces_invoice_id } = after;
        return { number, replaces_invoice_id, replaced_tax: before.tax, tax: after.tax, changes };
      });
    });
}

/** @throws CliError if there is no such invoice, or it replaced none */
async function readReplacement(db: Queryable, idOrNumber: string): Promise<Replacement> {
  const after = await requireInvoice(db, idOrNumber);
  const { number, revision, invoice_id, replaces_invoice_id } = after;
  const before =
    replaces_invoice_id === null ? null : await showInvoiceHeader(db, replaces_invoice_id);
  if (before === null) {
    throw new CliError(
      `Invoice ${number} is revision ${revision}: it did not replace another invoice`,
    );
  }
  return { before, after, changes: await readDifference(db, invoice_id) };
}

const columns = ({
  before: old,
  after: revision,
}: Replacement): readonly Column<LineChangeView>[] => [
  {
    head: '',
    value: ({ change }) => ({ added: '+', removed: '-', changed: '~' })[change],
    format: ({ change }) =>
      (({ added: 'green', removed: 'red', changed: 'yellow' }) as const)[change],
  },
  { head: 'deployment', value: ({ before, after }) => (after ?? before)?.deployment_id ?? null },
  {
    head: 'line',
    wrap: true,
    value: ({ before, after }) => nameOf(after ?? before, revision),
  },
  { head: 'quantity before', align: 'right', value: ({ before }) => quantity(before, old) },
  { head: 'after', align: 'right', value: ({ after }) => quantity(after, revision) },
  {
    head: 'amount before',
    align: 'right',
    value: ({ before }) => amount(before?.amount_cents, old),
  },
  { head: 'after', align: 'right', value: ({ after }) => amount(after?.amount_cents, revision) },
  {
    head: 'difference',
    align: 'right',
    value: (change) => amount(change.difference_cents, revision),
  },
];

/** A revision and the invoice it replaced. */
interface Replacement {
  readonly before: InvoiceHeader;
  readonly after: InvoiceHeader;
  readonly changes: readonly LineChangeView[];
}

/** A heading with both invoices, the request and the totals; then each added, removed or changed line. */
export function renderDifference(replacement: Replacement): string {
  const { before, after, changes } = replacement;
  const taxChange = taxChangeText(before.tax, after.tax);
  const heading = [
    `${style('bold', after.number)} replaces ${before.number}`,
    whoAndWhy(after),
    totals(before, after),
  ];
  return [
    heading.filter(Boolean).join(' · '),
    '',
    renderTable(columns(replacement), changes, 'No line changed.'),
    ...(taxChange === null ? [] : ['', taxChange]),
  ].join('\n');
}

/** `USD 299.00 → 274.26`; the currency is repeated only if it changed. */
function totals(before: InvoiceHeader, after: InvoiceHeader): string {
  const format = after.currency === before.currency ? formatAmount : formatMoney;
  return `${formatMoney(before.total_cents, before.currency)} → ${format(after.total_cents, after.currency)}`;
}

function nameOf(line: InvoiceLine | null, { currency }: InvoiceHeader): string | null {
  return line && plainLineText(line, currency).name;
}

function quantity(line: InvoiceLine | null, { currency }: InvoiceHeader): string | null {
  return line && joinFigure(plainLineText(line, currency).quantity);
}

function amount(cents: number | undefined, { currency }: InvoiceHeader): string | null {
  return cents === undefined ? null : formatAmount(cents, currency);
}
