import type { MonthTotals } from '../../../db/invoices/month-totals.ts';
import { formatMonth } from '../../../display/dates.ts';
import { humanise, KIND_NAMES } from '../../../display/names.ts';
import { previousMonth } from '../../../domain/period.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { outlooksOf, type ExpectedCharge, type MonthOutlook } from '../month-outlook.ts';
import type { UsageSoFar } from '../usage-so-far.ts';
import { quarantineNote, type Books } from './books-html.ts';
import { table } from './html-table.ts';
import { monthsChart } from './kinds-html.ts';
import { layout, type Visitor } from './layout.ts';
import { neighbourLinks, type Neighbours } from './month-html.ts';
import { minute, percentChange, roundedMoney, roundedQuantity } from './page-format.ts';

export interface RunningMonthView {
  readonly visitor: Visitor;
  readonly month: string;
  readonly neighbours: Neighbours;
  /** The day that is running, from 1, and the days of the month. */
  readonly day: number;
  readonly days: number;
  readonly endsAt: string;
  readonly usage: readonly UsageSoFar[];
  /** The instant of the usage. */
  readonly asOf: string;
  /** Usage of the month that could not be accepted. */
  readonly quarantined: Books['quarantined'];
  /** Of the months in the chart, which ends with the month before. */
  readonly totals: readonly MonthTotals[];
}

/** Renders the running month: usage so far, and what it will be. It can't be closed or rerun yet. */
export function runningMonthPage(view: RunningMonthView): string {
  const { visitor, month, neighbours, day, days, endsAt, usage, quarantined, totals } = view;
  const outlooks = outlooksOf(usage, totals);
  return layout({
    title: formatMonth(month),
    visitor,
    trail: [{ href: '/operator/months', text: 'Months' }],
    main: markup`<p class="lead">Running: day ${day} of ${days}${expectedText(outlooks)}</p>
${neighbourLinks(neighbours)}<p>It ends ${minute(endsAt, visitor.timeZone)}. Invoices follow after that, so there is nothing to rerun yet.</p>
${quarantineNote(quarantined)}${outlooks.map((outlook) => outlookSection(month, outlook))}<h2 id="usage">Usage so far</h2>
${usageTable(month, usage)}<p class="hint">As of ${minute(view.asOf, visitor.timeZone)}, all tenants together, without excluded events. Projected: as much per day until the month ends.</p>
${monthsChart(previousMonth(month), totals)}`,
  });
}

/** Says what the month is expected to be: `, about AUD 12,345.00 before tax`. */
function expectedText(outlooks: readonly MonthOutlook[]): string {
  if (outlooks.length === 0) return '';
  const sums = outlooks.map(({ expectedTotal, currency }) => roundedMoney(expectedTotal, currency));
  return `, about ${sums.join(' and ')} before tax`;
}

function outlookSection(month: string, outlook: MonthOutlook): Markup {
  const { currency, last, charges, lastTotal, expectedTotal } = outlook;
  const [before, expected] = [formatMonth(last), `${formatMonth(month)}, expected`];
  const show = (cents: string) => roundedMoney(cents, currency);
  return markup`<h2 id="expected-${currency}">What it will be, in ${currency}</h2>
${table<ExpectedCharge>({
  caption: `What ${formatMonth(month)} is expected to charge in ${currency}, before tax`,
  empty: '',
  rows: charges,
  columns: [
    { head: 'Charge', isHead: true, cell: ({ kind }) => KIND_NAMES[kind] },
    { head: before, isFigure: true, cell: (charge) => show(charge.last) },
    { head: expected, isFigure: true, cell: (charge) => show(charge.expected) },
  ],
  sums: [
    { name: 'Before tax', figures: { [before]: show(lastTotal), [expected]: show(expectedTotal) } },
  ],
})}<p class="hint">If plans, addons and overage are as in ${before}, and LLM usage continues as it has so far.</p>
`;
}

function usageTable(month: string, usage: readonly UsageSoFar[]): Markup {
  const show = ({ currency }: UsageSoFar, value: string) =>
    currency === null ? roundedQuantity(value) : roundedMoney(value, currency);
  return table({
    caption: `Usage of ${formatMonth(month)} so far, projected to the end of the month`,
    empty: `No usage in ${formatMonth(month)} yet.`,
    rows: usage,
    columns: [
      { head: 'Usage', isHead: true, cell: nameOf },
      { head: 'So far', isFigure: true, cell: (row) => show(row, row.total) },
      { head: 'Projected', isFigure: true, cell: (row) => show(row, row.projected) },
      {
        head: formatMonth(previousMonth(month)),
        isFigure: true,
        cell: (row) => (row.lastMonth === null ? '' : show(row, row.lastMonth)),
      },
      {
        head: 'Change',
        isFigure: true,
        // Without usage so far there is no projection to compare.
        cell: ({ total, projected, lastMonth }) =>
          lastMonth === null || total === '0' ? '' : (percentChange(projected, lastMonth) ?? 'new'),
      },
    ],
  });
}

function nameOf({ currency, resourceKind }: UsageSoFar): string {
  return currency === null ? humanise(resourceKind) : 'LLM charges';
}
