import type { MonthTotals } from '../../../db/invoices/month-totals.ts';
import { formatMonth } from '../../../display/dates.ts';
import { KIND_NAMES } from '../../../display/names.ts';
import { signedAmount } from '../../../display/line-text.ts';
import { counted, formatAmount, formatMoney, groupDigits } from '../../../domain/format.ts';
import { addMonths, previousMonth, type Month } from '../../../domain/period.ts';
import { LINE_KINDS, type LineKind } from '../../../domain/types.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { largest, pairOfBars, swatch, type Part } from './bars.ts';
import { dayChart, type ChartDay } from './day-chart.ts';
import { table, type Column } from './html-table.ts';
import { percentChange } from './page-format.ts';
import { monthHref } from './places.ts';

/** A month's totals by kind of line: next to the month before, and the months up to it as a chart. */

/** Months in the chart. */
export const CHART_MONTHS = 12;

/** Columns are divided in the order of the kinds. Credits are on adjustment notes, which are not part of the totals. */
const PARTS: Readonly<Partial<Record<LineKind, Part>>> = {
  plan_base: 1,
  addon: 2,
  overage: 3,
  llm_usage: 4,
  item: 5,
  tax: 'rest',
};

/** Renders the chart of the months up to `to`, one for each currency; nothing if fewer than two months have invoices. */
export function monthsChart(to: Month, totals: readonly MonthTotals[]): Markup {
  const months = Array.from({ length: CHART_MONTHS }, (_, at) =>
    addMonths(to, at + 1 - CHART_MONTHS),
  );
  const shown = totals.filter(({ month }) => months.includes(month));
  if (new Set(shown.map(({ month }) => month)).size < 2) return markup``;
  const currencies = Map.groupBy(shown, ({ currency }) => currency);
  return markup`<h2 id="months">Last 12 months</h2>
${[...currencies].map(([currency, rows]) => chartOf(currency, months, rows))}`;
}

function chartOf(currency: string, months: readonly Month[], rows: readonly MonthTotals[]): Markup {
  const kinds = kindsIn(rows);
  const byMonth = new Map(rows.map((row) => [row.month, row]));
  const columns = months.map((month): ChartDay => {
    const row = byMonth.get(month);
    return {
      parts: kinds.flatMap((kind) => {
        const part = PARTS[kind];
        return part === undefined ? [] : { part, value: row?.kinds[kind] ?? '0' };
      }),
      title: row === undefined ? `${formatMonth(month)}: no invoices` : titleOf(row),
    };
  });
  const legend = kinds.flatMap((kind) => {
    const part = PARTS[kind];
    return part === undefined ? [] : markup`<li>${swatch(part)} ${KIND_NAMES[kind]}</li>`;
  });
  const label = (value: string) => formatAmount(value, currency);
  // Every second month, so that names have room on a phone. The last month has one.
  const nameOf = (index: number) =>
    (months.length - index) % 2 === 1 ? formatMonth(months[index] ?? '').slice(0, 3) : null;
  return markup`<figure class="chart-frame"><figcaption>Invoices by kind of line, ${currency}</figcaption>
${dayChart(columns, label, nameOf)}<ul class="legend">${legend}</ul></figure>
<details><summary>Figures by month, ${currency}</summary>
${monthsTable(currency, kinds, rows)}</details>
`;
}

function titleOf({ month, currency, invoices, total_cents }: MonthTotals): string {
  const count = counted(invoices, 'invoice');
  return `${formatMonth(month)}: ${formatMoney(total_cents, currency)}, ${count}`;
}

function monthsTable(
  currency: string,
  kinds: readonly LineKind[],
  rows: readonly MonthTotals[],
): Markup {
  return table<MonthTotals>({
    caption: `Invoices of the last 12 months by kind of line, ${currency}`,
    empty: '',
    rows: rows.toReversed(),
    columns: [
      {
        head: 'Month',
        isHead: true,
        cell: ({ month }) => markup`<a href="${monthHref(month)}">${formatMonth(month)}</a>`,
      },
      { head: 'Invoices', isFigure: true, cell: ({ invoices }) => groupDigits(invoices) },
      ...kinds.map((kind): Column<MonthTotals> => ({
        head: KIND_NAMES[kind],
        isFigure: true,
        cell: (row) => formatAmount(row.kinds[kind], currency),
      })),
      {
        head: 'Total',
        isFigure: true,
        cell: ({ total_cents }) => formatAmount(total_cents, currency),
      },
    ],
  });
}

/** Returns the kinds with amounts, in the order of lines. */
function kindsIn(rows: readonly MonthTotals[]): readonly LineKind[] {
  return LINE_KINDS.filter((kind) => rows.some(({ kinds }) => kinds[kind] !== '0'));
}

/** Renders a month's totals by kind of line next to the month before, a table for each currency. */
export function comparison(month: Month, totals: readonly MonthTotals[]): Markup {
  const before = previousMonth(month);
  const shown = totals.filter((row) => row.month === month || row.month === before);
  if (shown.length === 0) return markup``;
  const currencies = Map.groupBy(shown, ({ currency }) => currency);
  return markup`<h2 id="comparison">Comparison with ${formatMonth(before)}</h2>
${[...currencies].map(([currency, rows]) => comparisonTable(month, currency, rows))}`;
}

/** Minor units of both months, as text. */
interface Change {
  readonly now: string;
  readonly then: string;
}

function comparisonTable(month: Month, currency: string, rows: readonly MonthTotals[]): Markup {
  const now = rows.find((row) => row.month === month);
  const then = rows.find((row) => row.month !== month);
  const before = formatMonth(previousMonth(month));
  const changes = kindsIn(rows).map((kind) => ({
    kind,
    now: now?.kinds[kind] ?? '0',
    then: then?.kinds[kind] ?? '0',
  }));
  const total = { now: now?.total_cents ?? '0', then: then?.total_cents ?? '0' };
  const longest = largest(changes.flatMap((change) => [change.now, change.then]));
  return table({
    caption: `${currency} by kind of line; upper bar ${formatMonth(month)}, lower bar ${before}`,
    hasVisibleCaption: true,
    empty: '',
    rows: changes,
    columns: [
      { head: 'Kind', isHead: true, cell: ({ kind }) => KIND_NAMES[kind] },
      {
        head: markup`<span class="heard">Chart</span>`,
        cell: (change) => pairOfBars(change, longest),
      },
      {
        head: formatMonth(month),
        isFigure: true,
        cell: (change) => formatAmount(change.now, currency),
      },
      { head: before, isFigure: true, cell: (change) => formatAmount(change.then, currency) },
      { head: 'Change', isFigure: true, cell: (change) => changeCell(change, currency) },
    ],
    sums: [
      {
        name: 'Total',
        figures: {
          [formatMonth(month)]: formatAmount(total.now, currency),
          [before]: formatAmount(total.then, currency),
          Change: changeCell(total, currency),
        },
      },
    ],
  });
}

function changeCell({ now, then }: Change, currency: string): Markup {
  const percent = percentChange(now, then);
  const cents = String(BigInt(now) - BigInt(then));
  return markup`${signedAmount(cents, currency)}${percent === null ? '' : markup`<span class="sub">${percent}</span>`}`;
}
