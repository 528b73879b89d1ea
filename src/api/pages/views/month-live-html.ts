import { OUTCOMES, outcomeName } from '../../../contracts/month-end-types.ts';
import type { MonthOverview } from '../../../db/month-end/month-views.ts';
import { headlineOf, isClosing } from '../../../display/month-needs.ts';
import { counted, formatMoney, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { capitalised } from './badge.ts';
import { duration } from './page-format.ts';

/** Progress of a pass over the due tenants. */
export interface Progress {
  readonly done: number;
  readonly due: number;
  /** Recent tenants per second; null while it is unknown. */
  readonly perSecond: number | null;
  readonly secondsLeft: number | null;
}

/** Returns the progress of the running pass; null if none is running. */
export function progressOf({
  due_tenants: due,
  pace,
}: Pick<MonthOverview, 'due_tenants' | 'pace'>): Progress | null {
  if (pace.started_at === null) return null;
  const done = Math.min(pace.served, due);
  const perSecond =
    pace.recent > 0 && pace.window_seconds > 0 ? pace.recent / pace.window_seconds : null;
  return {
    done,
    due,
    perSecond,
    secondsLeft: perSecond === null ? null : (due - done) / perSecond,
  };
}

/** Renders the part of a month's page that refreshes during a run. Nothing in it can have the focus. */
export function monthLive(overview: MonthOverview): Markup {
  const isOpen = isClosing(overview);
  return markup`${isOpen ? '' : markup`<span data-ended></span>`}${headline(overview, [])}${progressBar(overview, isOpen)}${outcomeFacts(overview)}`;
}

/**
 * Renders the line that leads: how the month stands.
 * @param lost requests that a restore has lost, in sentences
 */
export function headline(overview: MonthOverview, lost: readonly string[]): Markup {
  return markup`<p class="lead">${headlineOf({ ...overview, lost, is_over: true })}</p>
`;
}

/** Renders the tenants by outcome, and the totals of the invoices. */
export function outcomeFacts({
  outcomes,
  not_looked_at,
  due_tenants,
  totals,
  review,
}: MonthOverview): Markup {
  return markup`<dl class="facts">
<div><dt>Due tenants</dt><dd>${groupDigits(due_tenants)}</dd></div>
${OUTCOMES.map((outcome) => markup`<div><dt>${capitalised(outcomeName(outcome))}</dt><dd>${groupDigits(outcomes[outcome])}</dd></div>\n`)}<div><dt>Not processed</dt><dd>${groupDigits(not_looked_at)}</dd></div>
${review.waiting === 0 ? '' : markup`<div><dt>Waiting for release</dt><dd>${groupDigits(review.waiting)}</dd></div>\n`}${totals.map(({ currency, invoices, total_cents }) => markup`<div><dt>${counted(invoices, 'invoice')}</dt><dd>${formatMoney(total_cents, currency)}</dd></div>\n`)}</dl>
`;
}

function progressBar(overview: MonthOverview, isOpen: boolean): Markup {
  const progress = progressOf(overview);
  if (progress === null) {
    return isOpen ? markup`<p>A request is waiting for the month’s workflow.</p>\n` : markup``;
  }
  const { done, due, perSecond, secondsLeft } = progress;
  const percent = due === 0 ? 100 : Math.floor((done * 100) / due);
  const rate = perSecond === null ? '' : ` · ${perSecond.toFixed(1)} tenants per second`;
  const left = secondsLeft === null ? '' : ` · about ${duration(secondsLeft)} left`;
  // Screen readers announce each tenth, not each tenant.
  const said = `${Math.floor(percent / 10) * 10} % of the tenants are done`;
  return markup`<label for="progress" data-say="${said}">${groupDigits(done)} of ${groupDigits(due)} tenants · ${percent} %${rate}${left}</label>
<progress id="progress" max="${Math.max(due, 1)}" value="${done}">${percent} %</progress>
`;
}
