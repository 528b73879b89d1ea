import type { LineChangeView } from '../../db/invoices/invoice-difference.ts';
import type { InvoiceHeader } from '../../db/invoices/invoice-views.ts';
import { formatAmount, formatMoney, groupDigits } from '../../domain/format.ts';
import { whoAndWhy } from './invoice.ts';
import { style } from './style.ts';
import { renderTable, type Column } from './table.ts';

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
    value: ({ before, after }) => (after ?? before)?.description ?? null,
  },
  { head: 'qty before', align: 'right', value: ({ before }) => qty(before?.qty) },
  { head: 'after', align: 'right', value: ({ after }) => qty(after?.qty) },
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

/** A revision, and the invoice that it replaced. */
export interface Replacement {
  readonly before: InvoiceHeader;
  readonly after: InvoiceHeader;
  readonly changes: readonly LineChangeView[];
}

/** What replaced what, who wanted it and why, and the totals; then line by line: added, removed, changed. */
export function renderDifference(replacement: Replacement): string {
  const { before, after, changes } = replacement;
  const heading = [
    `${style('bold', after.number)} replaces ${before.number}`,
    whoAndWhy(after),
    totals(before, after),
  ];
  return [
    heading.filter(Boolean).join(' · '),
    '',
    renderTable(columns(replacement), changes, 'Every line is the same.'),
  ].join('\n');
}

/** `USD 299.00 → 274.26`; the currency once where both have it. */
function totals(before: InvoiceHeader, after: InvoiceHeader): string {
  const format = after.currency === before.currency ? formatAmount : formatMoney;
  return `${formatMoney(before.total_cents, before.currency)} → ${format(after.total_cents, after.currency)}`;
}

function qty(quantity: string | undefined): string | null {
  return quantity === undefined ? null : groupDigits(quantity);
}

function amount(cents: number | undefined, { currency }: InvoiceHeader): string | null {
  return cents === undefined ? null : formatAmount(cents, currency);
}
