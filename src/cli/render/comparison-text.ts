import type { InvoiceComparison } from '../../db/invoices/month-comparison.ts';
import { comparedText, comparisonText, type ChangeText } from '../../display/comparison-text.ts';
import { formatMonth } from '../../display/dates.ts';
import { toPlainText } from '../../display/line-text.ts';
import { counted, formatMoney } from '../../domain/format.ts';
import { style } from './styled-text.ts';
import { renderTable, type Column } from './text-table.ts';

/** A sentence about the totals, then each charge that differs with its causes, largest difference first. */
export function renderComparison({ invoice, comparedWith, comparison }: InvoiceComparison): string {
  const { number, month, currency } = invoice;
  const heading = `${style('bold', number)} for ${formatMonth(month)}`;
  if (comparison === null || comparedWith === null) {
    return `${heading} is the tenant's first invoice in ${currency}: there is no earlier one to compare it with.`;
  }
  const { changes, same } = comparedText(comparison, currency);
  return [
    `${heading}, ${toPlainText(comparisonText(comparison, comparedWith))}`,
    ...[comparedWith, invoice].flatMap(({ number, adjustment_notes: notes }) =>
      notes.length === 0 ? [] : `${number} includes ${notes.join(', ')}`,
    ),
    '',
    renderTable(COLUMNS, changes, 'No charge differs.'),
    ...(same.charges === 0
      ? []
      : [
          '',
          `${counted(same.charges, 'charge')} did not change: ${formatMoney(same.cents, currency)}`,
        ]),
  ].join('\n');
}

const COLUMNS: readonly Column<ChangeText>[] = [
  { head: 'deployment', value: ({ deploymentId }) => deploymentId },
  {
    head: 'charge',
    wrap: true,
    value: ({ name, causes }) => [name, ...causes].map(toPlainText).join('\n'),
  },
  { head: 'before', align: 'right', value: ({ before }) => toPlainText(before.amount) },
  { head: 'after', align: 'right', value: ({ after }) => toPlainText(after.amount) },
  { head: 'difference', align: 'right', value: ({ difference }) => toPlainText(difference) },
];
