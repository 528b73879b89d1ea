import type { LineChangeView } from '../../db/invoice-difference.ts';
import { formatCents, groupDigits } from '../../domain/format.ts';
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

/** Line by line: added, removed, changed. */
export function renderDifference(changes: readonly LineChangeView[]): string {
  return renderTable(COLUMNS, changes);
}

function qty(quantity: string | undefined): string | null {
  return quantity === undefined ? null : groupDigits(quantity);
}

function cents(amountCents: number | undefined): string | null {
  return amountCents === undefined ? null : formatCents(amountCents);
}
