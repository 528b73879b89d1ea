import type { MonthRow } from '../../../db/month-end/month-views.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge, balance } from './badge.ts';
import { formatMonth } from '../../../display/dates.ts';
import { layout, type Visitor } from './layout.ts';
import { monthHref } from './places.ts';
import { nextLink, table } from './html-table.ts';

export interface MonthsView {
  readonly visitor: Visitor;
  readonly months: readonly MonthRow[];
  readonly running: string;
  /** The latest finished month, if it has no request yet. */
  readonly notAskedFor: string | null;
  readonly nextHref: string | null;
}

/** Renders the list of months. */
export function monthsPage({
  visitor,
  months,
  running,
  notAskedFor,
  nextHref,
}: MonthsView): string {
  return layout({
    title: 'Months',
    visitor,
    main: markup`<p><a href="${monthHref(running)}">${formatMonth(running)}</a> is running: usage so far, and what it will be.</p>\n${notAskedFor === null ? '' : markup`<p class="note"><a href="/operator/months/${notAskedFor}">${formatMonth(notAskedFor)}</a> is over, but nothing has requested its month end yet. By default the Schedule does so on the first at 06:00 in the billing time zone.</p>\n`}${table(
      {
        caption: 'Months, newest first',
        empty: 'No month end has been requested yet.',
        rows: months,
        columns: [
          {
            head: 'Month',
            isHead: true,
            cell: ({ month }) => markup`<a href="${monthHref(month)}">${formatMonth(month)}</a>`,
          },
          { head: 'State', cell: monthState },
          { head: 'Invoices', isFigure: true, cell: invoicesOf },
          { head: 'Total', isFigure: true, cell: totalsOf },
          {
            head: 'Nothing to bill',
            isFigure: true,
            cell: ({ outcomes }) => groupDigits(outcomes.nothing_to_bill),
          },
          { head: 'Parked', isFigure: true, cell: parkedOf },
        ],
      },
    )}${nextLink(nextHref, 'Earlier months')}`,
  });
}

/** Renders whether a month is closing or closed, and whether its books balance. */
export function monthState({
  open_requests,
  balanced,
}: Pick<MonthRow, 'open_requests' | 'balanced'>): Markup {
  if (open_requests > 0) return badge('busy', 'closing');
  return balanced === true ? badge('good', 'closed') : balance(balanced);
}

function invoicesOf({ totals }: MonthRow): string {
  return groupDigits(totals.reduce((sum, { invoices }) => sum + invoices, 0));
}

function totalsOf({ totals }: MonthRow): Markup[] {
  return totals.map(
    ({ currency, total_cents }) => markup`<div>${formatMoney(total_cents, currency)}</div>`,
  );
}

function parkedOf({ month, outcomes }: MonthRow): unknown {
  if (outcomes.parked === 0) return '0';
  return markup`<a href="/operator/months/${month}#parked">${badge('bad', groupDigits(outcomes.parked))}<span class="heard"> parked in ${formatMonth(month)}</span></a>`;
}
