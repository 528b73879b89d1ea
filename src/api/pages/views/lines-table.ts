import { amountText, lineText, type ShownLine } from '../../../display/line-text.ts';
import { describeTreatment } from '../../../domain/invoice-totals.ts';
import type { TreatmentJson } from '../../../domain/tax-json.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { table, type SumRow } from './html-table.ts';
import { nameCell, priceCell, quantityCell } from './line-cells.ts';

/** The sums below lines that are not issued yet, and how they are taxed. */
export interface LinesTotals {
  readonly currency: string;
  readonly subtotal_cents: number;
  readonly tax_cents: number;
  readonly total_cents: number;
  readonly tax: TreatmentJson;
}

/** A line, of a deployment unless it is a quote's. */
type PricedLine = ShownLine & { readonly deployment_id?: string | null };

/** Renders the lines of a price that is not issued yet: a quote's, or the running month's. Tax is below the lines. */
export function linesTable(
  caption: string,
  lines: readonly PricedLine[],
  totals: LinesTotals,
): Markup {
  const { currency, tax } = totals;
  const sum = (name: string, cents: number): SumRow => ({
    name,
    figures: { Amount: amountText(cents, currency) },
  });
  return table({
    caption,
    empty: 'No lines.',
    rows: lines
      .filter(({ kind }) => kind !== 'tax')
      .map((line) => ({ deploymentId: line.deployment_id, text: lineText(line, currency) })),
    columns: [
      {
        head: 'Description',
        isHead: true,
        cell: ({ deploymentId, text }) =>
          markup`${nameCell(text)}${deploymentId ? markup`<span class="sub id">${deploymentId}</span>` : ''}`,
      },
      { head: 'Quantity', isFigure: true, cell: ({ text }) => quantityCell(text) },
      { head: 'Price', isFigure: true, cell: ({ text }) => priceCell(text) },
      { head: 'Amount', isFigure: true, cell: ({ text }) => text.amount },
    ],
    sums: [
      ...(totals.tax_cents === 0
        ? []
        : [
            sum('Before tax', totals.subtotal_cents),
            sum(describeTreatment(tax), totals.tax_cents),
          ]),
      sum(`Total in ${currency}`, totals.total_cents),
    ],
  });
}
