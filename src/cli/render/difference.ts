import type { LineChangeView } from '../../db/invoice-difference.ts';
import { formatCents } from './money.ts';
import { renderTable, type Column } from './table.ts';

const COLUMNS: readonly Column<LineChangeView>[] = [
  { head: '', value: ({ change }) => ({ added: '+', removed: '-', changed: '~' })[change] },
  { head: 'deployment', value: ({ before, after }) => (after ?? before)?.deployment_id ?? null },
  { head: 'line', value: ({ before, after }) => (after ?? before)?.description ?? null },
  { head: 'qty before', align: 'right', value: ({ before }) => before?.qty ?? null },
  { head: 'after', align: 'right', value: ({ after }) => after?.qty ?? null },
  { head: 'amount before', align: 'right', value: ({ before }) => cents(before?.amount_cents) },
  { head: 'after', align: 'right', value: ({ after }) => cents(after?.amount_cents) },
  { head: 'difference', align: 'right', value: (change) => formatCents(change.difference_cents) },
];

/** Line by line: added, removed, changed. */
export function renderDifference(changes: readonly LineChangeView[]): string {
  return renderTable(COLUMNS, changes);
}

function cents(amountCents: number | undefined): string | null {
  return amountCents === undefined ? null : formatCents(amountCents);
}
