import type { KindTotal, MonthOverview, ParkedTenant } from '../../../db/month-end/month-views.ts';
import { previousMonth } from '../../../domain/period.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge, balance } from './badge.ts';
import { largest, pairOfBars } from './bars.ts';
import { booksSection, type Books } from './books-html.ts';
import { formatMonth } from '../../../display/dates.ts';
import { minute, percentChange } from './page-format.ts';
import { layout, type Visitor } from './layout.ts';
import { monthLive } from './month-live-html.ts';
import { parkedSection } from './parked-html.ts';
import { table } from './html-table.ts';
import type { TemporalLinks } from '../../../temporal/temporal-links.ts';
import { formatAmount } from '../../../domain/format.ts';
import { signedAmount } from '../../../display/line-text.ts';

export interface MonthView {
  readonly visitor: Visitor;
  readonly overview: MonthOverview;
  readonly kinds: readonly KindTotal[];
  /** The first page of the parked tenants. */
  readonly parked: readonly ParkedTenant[];
  readonly moreParkedHref: string | null;
  /** Null while a request is running: the books need not balance yet, and computing them scans all usage. */
  readonly books: Books | null;
  /** What a restore has lost, in sentences; `not answering` if Temporal or the month's workflow can't be asked. */
  readonly lost: readonly string[] | 'not answering';
  readonly temporal: TemporalLinks | null;
}

/** Renders a month: progress, results, and whether the books balance. */
export function monthPage(view: MonthView): string {
  const { visitor, overview, kinds, parked, moreParkedHref, books, lost, temporal } = view;
  const { month, requests } = overview;
  const isOpen = requests.some(({ state }) => state !== 'finished');
  return layout({
    title: formatMonth(month),
    visitor,
    trail: [{ href: '/operator/months', text: 'Months' }],
    isLive: isOpen,
    main: markup`${lostNote(lost)}<div${isOpen ? markup` data-live="/operator/months/${month}/live"` : ''}>${monthLive(overview)}</div>
${isOpen ? markup`<p role="status" class="heard" data-spoken></p>` : ''}<ul class="links">
<li><a href="/operator/months/${month}/invoices">Invoices by largest change</a></li>
${overview.review.waiting === 0 ? '' : markup`<li><a href="/operator/months/${month}/release">Review and release</a></li>\n`}<li><a href="/operator/months/${month}/re-run">Rerun tenants</a></li>
<li><a href="/operator/months/${month}/control-totals">Control totals of the gateway</a></li>
${temporal === null ? '' : markup`<li><a href="${temporal.month(month)}">Workflow in the Temporal Web UI</a></li>\n`}</ul>
${parkedSection({ visitor, month, parked, moreHref: moreParkedHref, temporal })}
${comparison(month, kinds)}
${books === null ? markup`<h2 id="books">Books</h2>\n<p>Control totals and reconciliation scan the whole month, so they appear only when no request is running.</p>\n` : booksSection(books)}
${requestsSection(overview, visitor.timeZone)}`,
  });
}

function lostNote(lost: MonthView['lost']): Markup {
  if (lost === 'not answering') {
    return markup`<p class="note">The month’s workflow does not answer, so this page can’t tell whether a restore has lost requests. Is a worker running?</p>\n`;
  }
  return markup`${lost.map((sentence) => markup`<p class="note bad" role="alert">${badge('bad', 'incomplete')} ${withCode(sentence)}</p>\n`)}`;
}

/** Renders what is between backticks as code. */
function withCode(sentence: string): Markup {
  const parts = sentence.split('`');
  return markup`${parts.map((part, index) => (index % 2 === 0 ? markup`${part}` : markup`<code>${part}</code>`))}`;
}

/** Renders amounts by kind of line, compared with the previous month. */
function comparison(month: string, kinds: readonly KindTotal[]): Markup {
  const before = formatMonth(previousMonth(month));
  const byCurrency = Map.groupBy(kinds, ({ currency }) => currency);
  if (kinds.length === 0) return markup``;
  return markup`<h2 id="comparison">Comparison with ${before}</h2>
${[...byCurrency].map(([currency, rows]) => comparisonTable({ month, before, currency, rows }))}`;
}

interface Comparison {
  readonly month: string;
  readonly before: string;
  readonly currency: string;
  readonly rows: readonly KindTotal[];
}

const KIND_NAMES: Readonly<Record<KindTotal['kind'], string>> = {
  plan_base: 'Plan base',
  addon: 'Addons',
  overage: 'Overage',
  llm_usage: 'LLM usage',
  item: 'Charges and credits',
  credit: 'Credits on lines',
  tax: 'Tax',
};

function comparisonTable({ month, before, currency, rows }: Comparison): Markup {
  const sums = {
    this_month_cents: sumText(rows.map((row) => row.this_month_cents)),
    last_month_cents: sumText(rows.map((row) => row.last_month_cents)),
  };
  const longest = largest(rows.flatMap((row) => [row.this_month_cents, row.last_month_cents]));
  const change = (row: typeof sums) => {
    const percent = percentChange(row.this_month_cents, row.last_month_cents);
    const cents = String(BigInt(row.this_month_cents) - BigInt(row.last_month_cents));
    return markup`${signedAmount(cents, currency)}${percent === null ? '' : markup`<span class="sub">${percent}</span>`}`;
  };
  return table({
    caption: `${currency} by kind of line; upper bar ${formatMonth(month)}, lower bar ${before}`,
    hasVisibleCaption: true,
    empty: '',
    rows,
    columns: [
      { head: 'Kind', isHead: true, cell: ({ kind }) => KIND_NAMES[kind] },
      {
        head: markup`<span class="heard">Chart</span>`,
        cell: (row) =>
          pairOfBars({ now: row.this_month_cents, then: row.last_month_cents }, longest),
      },
      {
        head: formatMonth(month),
        isFigure: true,
        cell: (row) => formatAmount(row.this_month_cents, currency),
      },
      {
        head: before,
        isFigure: true,
        cell: (row) => formatAmount(row.last_month_cents, currency),
      },
      { head: 'Change', isFigure: true, cell: change },
    ],
    sums: [
      {
        name: 'Total',
        figures: {
          [formatMonth(month)]: formatAmount(sums.this_month_cents, currency),
          [before]: formatAmount(sums.last_month_cents, currency),
          Change: change(sums),
        },
      },
    ],
  });
}

function sumText(amounts: readonly string[]): string {
  return String(amounts.reduce((sum, cents) => sum + BigInt(cents), 0n));
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
export function requestState({
  state,
  balanced,
}: Pick<MonthOverview['requests'][number], 'state' | 'balanced'>): Markup {
  return state === 'finished' ? balance(balanced) : badge('busy', state);
}

/** Returns the path of a request's page. */
export function requestHref(month: string, requestId: string): string {
  return `/operator/months/${month}/requests/${encodeURIComponent(requestId)}`;
}
