import type { MonthTotals } from '../../../db/invoices/month-totals.ts';
import type { MonthOverview, ParkedTenant } from '../../../db/month-end/month-views.ts';
import { formatMonth } from '../../../display/dates.ts';
import { isClosing, requestStateText } from '../../../display/month-needs.ts';
import type { Month } from '../../../domain/period.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { TemporalLinks } from '../../../temporal/temporal-links.ts';
import { badge, balance } from './badge.ts';
import { withCode } from './code-text.ts';
import { table } from './html-table.ts';
import { comparison, monthsChart } from './kinds-html.ts';
import { layout, type Visitor } from './layout.ts';
import { headline, monthLive, outcomeFacts } from './month-live-html.ts';
import { needsSection } from './needs-html.ts';
import { minute } from './page-format.ts';
import { parkedSection } from './parked-html.ts';
import { monthHref, requestHref } from './places.ts';

/** The months before and after one; null: there is nothing to show for them. */
export interface Neighbours {
  readonly previous: Month | null;
  readonly next: Month | null;
}

export interface MonthView {
  readonly visitor: Visitor;
  readonly overview: MonthOverview;
  readonly neighbours: Neighbours;
  /** Of the months in the chart. */
  readonly totals: readonly MonthTotals[];
  /** The first page of the parked tenants. */
  readonly parked: readonly ParkedTenant[];
  readonly moreParkedHref: string | null;
  /** What a restore has lost, in sentences; `not answering` if Temporal or the month's workflow can't be asked. */
  readonly lost: readonly string[] | 'not answering';
  readonly temporal: TemporalLinks | null;
}

/** Renders a month that is over: how it stands, what needs a person, the last pass, and its totals by kind. */
export function monthPage(view: MonthView): string {
  const { visitor, overview, neighbours, totals, parked, moreParkedHref, lost, temporal } = view;
  const { month } = overview;
  const isOpen = isClosing(overview);
  return layout({
    title: formatMonth(month),
    visitor,
    trail: [{ href: '/operator/months', text: 'Months' }],
    isLive: isOpen,
    main: markup`${lostNote(lost)}${isOpen ? markup`<div data-live="${monthHref(month)}/live">${monthLive(overview)}</div>\n<p role="status" class="heard" data-spoken></p>\n` : headline(overview, lost === 'not answering' ? [] : lost)}${neighbourLinks(neighbours)}${links(overview, temporal)}${needsSection(overview)}${parked.length === 0 ? '' : parkedSection({ visitor, month, parked, moreHref: moreParkedHref, temporal })}
${isOpen ? '' : lastPass(overview, visitor.timeZone)}${monthsChart(month, totals)}${comparison(month, totals)}
${booksNote(overview, visitor.timeZone)}
${requestsSection(overview, visitor.timeZone)}`,
  });
}

/** Renders the links to the months before and after. */
export function neighbourLinks({ previous, next }: Neighbours): Markup {
  if (previous === null && next === null) return markup``;
  const link = (rel: string, month: Month | null, text: (name: string) => string) =>
    month === null
      ? ''
      : markup`<a rel="${rel}" href="${monthHref(month)}">${text(formatMonth(month))}</a> `;
  return markup`<nav class="links" aria-label="Other months">${link('prev', previous, (name) => `← ${name}`)}${link('next', next, (name) => `${name} →`)}</nav>
`;
}

function links({ month, review }: MonthOverview, temporal: TemporalLinks | null): Markup {
  const of = (page: string, text: string) =>
    markup`<li><a href="${monthHref(month)}/${page}">${text}</a></li>\n`;
  return markup`<ul class="links">
${of('invoices', 'Invoices by largest change')}${review.waiting === 0 ? '' : of('release', 'Review and release')}${of('re-run', 'Rerun tenants')}${of('books', 'Books')}${of('control-totals', 'Control totals of the gateway')}${temporal === null ? '' : markup`<li><a href="${temporal.month(month)}">Workflow in the Temporal Web UI</a></li>\n`}</ul>
`;
}

function lostNote(lost: MonthView['lost']): Markup {
  if (lost === 'not answering') {
    return markup`<p class="note">The month’s workflow does not answer, so this page can’t tell whether a restore has lost requests. Is a worker running?</p>\n`;
  }
  return markup`${lost.map((sentence) => markup`<p class="note bad" role="alert">${badge('bad', 'incomplete')} ${withCode(sentence)}</p>\n`)}`;
}

function lastPass(overview: MonthOverview, timeZone: string): Markup {
  const { last_pass: pass, requests } = overview;
  const heading = requests.length === 0 ? markup`` : markup`<h2 id="last-pass">Last pass</h2>\n`;
  const done =
    pass === null
      ? markup``
      : markup`<p class="soft">Done ${minute(pass.finished_at, timeZone)}. <a href="#requests">All requests</a></p>\n`;
  return markup`${heading}${done}${outcomeFacts(overview)}`;
}

/** Renders whether the books balanced after the last pass; looking now scans the month, on a page of its own. */
function booksNote({ month, last_pass }: MonthOverview, timeZone: string): Markup {
  const checked =
    last_pass === null
      ? 'They are checked at the end of each pass.'
      : `Checked at the end of the last pass, ${minute(last_pass.finished_at, timeZone)}.`;
  return markup`<h2 id="books">Books ${balance(last_pass?.balanced ?? null)}</h2>
<p>${checked} <a href="${monthHref(month)}/books">Check them now: control totals and usage reconciliation</a></p>
`;
}

function requestsSection({ month, requests }: MonthOverview, timeZone: string): Markup {
  return markup`<h2 id="requests">Requests</h2>
${table({
  caption: 'The latest 20 requests for the month',
  empty: 'No requests for this month yet.',
  rows: requests,
  columns: [
    {
      head: 'Requested',
      isHead: true,
      cell: ({ request_id, requested_at }) =>
        markup`<a href="${requestHref(month, request_id)}">${minute(requested_at, timeZone)}</a>`,
    },
    { head: 'Type', cell: ({ kind }) => (kind === 'force' ? 'forced rerun' : 'run') },
    { head: 'Requested by', cell: ({ actor }) => actor ?? 'unknown' },
    { head: 'Reason', cell: ({ reason }) => reason ?? '' },
    { head: 'State', cell: requestState },
    {
      head: 'Refused',
      isFigure: true,
      cell: ({ refused }) => (refused.length === 0 ? '0' : badge('bad', String(refused.length))),
    },
  ],
})}`;
}

/** Renders the state of a request. */
export function requestState({ state }: Pick<MonthOverview['requests'][number], 'state'>): Markup {
  return badge(state === 'finished' ? 'good' : 'busy', requestStateText(state));
}
