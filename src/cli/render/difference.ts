import type { LineChangeView } from '../../db/invoice-difference.ts';
import type { InvoiceHeader } from '../../db/invoice-views.ts';
import { formatCents, groupDigits } from '../../domain/format.ts';
import { whoAndWhy } from './invoice.ts';
import { style } from './style.ts';
import { renderTable, type Column } from './table.ts';

const COLUMNS: readonly Column<LineChangeView>[] = [
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
  { head: 'amount before', align: 'right', value: ({ before }) => cents(before?.amount_cents) },
  { head: 'after', align: 'right', value: ({ after }) => cents(after?.amount_cents) },
  { head: 'difference', align: 'right', value: (change) => formatCents(change.difference_cents) },
];

/** A revision, and the invoice that it replaced. */
export interface Replacement {
  readonly before: InvoiceHeader;
  readonly after: InvoiceHeader;
  readonly changes: readonly LineChangeView[];
}

/** What replaced what, who wanted it and why, and the totals; then line by line: added, removed, changed. */
export function renderDifference({ before, after, changes }: Replacement): string {
  const heading = [
    `${style('bold', after.number)} replaces ${before.number}`,
    whoAndWhy(after),
    totals(before, after),
  ];
  return [
    heading.filter(Boolean).join(' · '),
    '',
    renderTable(COLUMNS, changes, 'Every line is the same.'),
  ].join('\n');
}

/** `299.00 → 274.26 USD` */
function totals(before: InvoiceHeader, after: InvoiceHeader): string {
  const currency = before.currency === after.currency ? '' : ` ${before.currency}`;
  const from = `${formatCents(before.total_cents)}${currency}`;
  return `${from} → ${formatCents(after.total_cents)} ${after.currency}`;
}

function qty(quantity: string | undefined): string | null {
  return quantity === undefined ? null : groupDigits(quantity);
}

function cents(amountCents: number | undefined): string | null {
  return amountCents === undefined ? null : formatCents(amountCents);
}
