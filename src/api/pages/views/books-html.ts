import type { MonthEndStatus } from '../../../db/month-end/month-end-status.ts';
import { formatMonth } from '../../../display/dates.ts';
import { humanise, KIND_NAMES } from '../../../display/names.ts';
import { heldText } from '../../../display/quarantine-text.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { formatAmount, formatUsage, groupDigits } from '../../../domain/format.ts';
import { badge, balance } from './badge.ts';
import { comparisonBadge, countsSentence } from './control-totals-html.ts';
import { table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { monthLink } from './places.ts';

/** The parts of a month's status that the section shows. */
export type Books = Pick<
  MonthEndStatus,
  | 'reconciliation'
  | 'control_totals'
  | 'quarantined'
  | 'month'
  | 'gateway_totals'
  | 'balanced'
  | 'imbalances'
  | 'to_do'
  | 'to_invoice'
>;

export interface BooksView {
  readonly visitor: Visitor;
  readonly month: string;
  /** Null while a request is open: the books need not balance yet. */
  readonly books: Books | null;
}

/** Renders the page of a month's control totals and usage reconciliation, as they are now. */
export function booksPage({ visitor, month, books }: BooksView): string {
  return layout({
    title: `Books of ${formatMonth(month)}`,
    visitor,
    trail: [{ href: '/operator/months', text: 'Months' }, monthLink(month)],
    main:
      books === null
        ? markup`<p class="empty">The books are checked once no request is waiting or running.</p>\n`
        : booksSection(books),
  });
}

/** Renders the control totals and the usage reconciliation. */
function booksSection({
  month,
  reconciliation,
  control_totals,
  quarantined,
  gateway_totals,
  balanced,
  imbalances,
  to_do,
  to_invoice,
}: Books): Markup {
  const wrong = imbalances.map((sentence) => markup`<li>${sentence}</li>`);
  return markup`<p class="lead">${balance(balanced)}</p>
${imbalances.length === 0 ? '' : markup`<div class="note bad"><ul>${wrong}</ul></div>\n`}${to_do.map((sentence) => markup`<p class="note">${badge('busy', 'to do')} ${sentence}: ${to_invoice.map(({ name }) => name).join(', ')}.</p>\n`)}${quarantineNote(quarantined)}<div class="columns">
<div><h2>Live invoices and adjustment notes</h2>
${table({
  caption: 'Live invoices and adjustment notes with the sum of their lines',
  empty: 'No live invoices.',
  rows: control_totals.invoices,
  columns: [
    {
      head: 'Status',
      isHead: true,
      cell: ({ currency, kind, status }) =>
        `${kind === 'invoice' ? status : 'adjustment notes'} (${currency})`,
    },
    { head: 'Documents', isFigure: true, cell: ({ invoices }) => groupDigits(invoices) },
    {
      head: 'Totals',
      isFigure: true,
      cell: ({ total_cents, currency }) => formatAmount(total_cents, currency),
    },
    {
      head: 'Sum of lines',
      isFigure: true,
      cell: ({ lines_cents, currency }) => formatAmount(lines_cents, currency),
    },
    { head: 'Wrong', isFigure: true, cell: ({ wrong: invoices }) => wrongCount(invoices) },
  ],
})}</div>
<div><h2>Usage lines</h2>
${table({
  caption: 'Usage lines with exact and rounded amounts',
  empty: 'No usage lines.',
  rows: control_totals.lines,
  columns: [
    {
      head: 'Kind',
      isHead: true,
      cell: ({ currency, kind }) => `${KIND_NAMES[kind]} (${currency})`,
    },
    { head: 'Lines', isFigure: true, cell: ({ lines }) => groupDigits(lines) },
    {
      head: 'Exact',
      isFigure: true,
      cell: ({ exact_cents, currency }) => formatAmount(exact_cents, currency),
    },
    {
      head: 'Rounded',
      isFigure: true,
      cell: ({ rounded_cents, currency }) => formatAmount(rounded_cents, currency),
    },
    { head: 'Wrong', isFigure: true, cell: ({ wrong: lines }) => wrongCount(lines) },
  ],
})}</div>
</div>
<h2>Usage reconciliation</h2>
${table({
  caption: 'All accepted usage of the month, by state',
  empty: 'No usage was accepted for this month.',
  rows: reconciliation,
  columns: [
    { head: 'Kind', isHead: true, cell: ({ resource_kind }) => humanise(resource_kind) },
    { head: 'State', cell: ({ state }) => usageState(state) },
    { head: 'Tenants', isFigure: true, cell: ({ tenants }) => groupDigits(tenants) },
    { head: 'Events', isFigure: true, cell: ({ events }) => groupDigits(events) },
    {
      head: 'Quantity or charges',
      isFigure: true,
      cell: ({ total, currency }) => formatUsage(total, currency),
    },
  ],
})}${gatewayTotals(month, gateway_totals)}`;
}

/** Renders how the control totals of the gateway compare, if it stated any. */
function gatewayTotals(month: string, totals: Books['gateway_totals']): Markup {
  if (totals === null) return markup``;
  return markup`<h2>Control totals of the gateway</h2>
<p>${comparisonBadge(totals)} ${countsSentence(totals)} <a href="/operator/months/${month}/control-totals">Details</a></p>
`;
}

/** Renders the usage that is not part of the books, because it could not be accepted. */
export function quarantineNote(quarantined: Books['quarantined']): Markup {
  if (quarantined.length === 0) return markup``;
  return markup`<p class="note">${badge('busy', 'held')} Usage of the month that could not be accepted is not billed: ${heldText(quarantined)}. <a href="/operator/quarantine">Quarantine</a></p>\n`;
}

function wrongCount(wrong: number): Markup | string {
  return wrong === 0 ? '0' : badge('bad', groupDigits(wrong));
}

/** Renders a usage state. States that need an action get a badge. */
export function usageState(state: Books['reconciliation'][number]['state']): Markup | string {
  const words = state.replaceAll('_', ' ');
  if (state === 'unaccounted') return badge('bad', words);
  return state === 'needs_re_run' ? badge('busy', words) : words;
}
