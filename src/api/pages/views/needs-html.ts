import type { MonthOverview } from '../../../db/month-end/month-views.ts';
import { needsOf, type Need } from '../../../display/month-needs.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { monthHref, requestHref } from './places.ts';

/** Renders what a person must do about a month, each with the page on which it is done; nothing if there is nothing. */
export function needsSection(overview: MonthOverview): Markup {
  // Lost requests have alerts of their own.
  const needs = needsOf({ ...overview, lost: [], is_over: true });
  if (needs.length === 0) return markup``;
  return markup`<h2 id="needs">Needs you</h2>
<ul class="needs">
${needs.map((need) => markup`<li>${badge(need.kind === 'books' ? 'bad' : 'busy', 'to do')} ${needItem(overview, need)}</li>\n`)}</ul>
`;
}

function needItem(overview: MonthOverview, { kind, text }: Need): Markup {
  const { month } = overview;
  const href = hrefOf(overview, kind);
  const linked = href === null ? markup`${text}` : markup`<a href="${href}">${text}</a>`;
  switch (kind) {
    case 'books':
      return markup`${linked}. Don’t send invoices before it is clear why.${imbalances(overview)}`;
    case 'unrequested':
      return markup`${linked}. By default the Schedule does so on the first at 06:00 in the billing time zone. To do it now: <code>month-end start ${month}</code>`;
    case 'not_processed':
      return markup`${linked}. Run the month again: <code>month-end start ${month}</code>`;
    case 'lost':
    case 'parked':
    case 'refused':
    case 'release':
    case 'held':
      return markup`${linked}.`;
  }
}

function imbalances({ last_pass }: MonthOverview): Markup {
  return markup`<ul>${(last_pass?.imbalances ?? []).map((sentence) => markup`<li>${sentence}</li>`)}</ul>`;
}

function hrefOf({ month, requests }: MonthOverview, kind: Need['kind']): string | null {
  const served = requests.find(({ state }) => state === 'finished');
  switch (kind) {
    case 'books':
      return `${monthHref(month)}/books`;
    case 'parked':
      return '#parked';
    case 'refused':
      return served === undefined ? null : requestHref(month, served.request_id);
    case 'release':
      return `${monthHref(month)}/release`;
    case 'held':
      return '/operator/quarantine';
    case 'lost':
    case 'unrequested':
    case 'not_processed':
      return null;
  }
}
