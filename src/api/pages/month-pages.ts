import { z } from 'zod';
import { readMonthTotals } from '../../db/invoices/month-totals.ts';
import { firstMonth } from '../../db/month-end/closable-months.ts';
import { readLastPass } from '../../db/month-end/last-pass.ts';
import { isWaitedFor, readMonthEndStatus } from '../../db/month-end/month-end-status.ts';
import {
  listMonths,
  listParkedTenants,
  readMonthOverview,
  type MonthRow,
  type ParkedTenant,
} from '../../db/month-end/month-views.ts';
import { countQuarantined } from '../../db/usage/quarantine-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { formatMonth } from '../../display/dates.ts';
import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import {
  addMonths,
  daysInMonth,
  nextMonth,
  previousMonth,
  type Month,
} from '../../domain/period.ts';
import { progressOfMonth } from '../../domain/projection.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { readLostRun } from '../http/lost-run.ts';
import { pagedBy } from '../http/paging.ts';
import { HttpProblem } from '../http/problems.ts';
import { month } from '../http/request-fields.ts';
import { nextHref, pageQuery, operatorPage, page } from './page-definition.ts';
import { readUsageOfAll } from './usage-of-all-tenants.ts';
import { usageSoFar } from './usage-so-far.ts';
import { booksPage } from './views/books-html.ts';
import { CHART_MONTHS } from './views/kinds-html.ts';
import type { Visitor } from './views/layout.ts';
import { monthPage, type Neighbours } from './views/month-html.ts';
import { monthLive } from './views/month-live-html.ts';
import { monthsPage } from './views/months-html.ts';
import { parkedPage } from './views/parked-html.ts';
import { runningMonthPage } from './views/running-month-html.ts';

export const monthParams = z.object({ month });

const FIRST_PARKED = 20;
const PARKED_A_PAGE = 100;
const readParked = pagedBy(z.string(), ({ tenant_id }: ParkedTenant) => tenant_id);

/** Shows a month: one that is over with what its requests did, the running month with its usage so far. */
export const oneMonth = operatorPage(
  { path: '/operator/months/:month', params: monthParams },
  async ({ params, visitor }, deps) => {
    const { db, monthEnd, now, temporalLinks = null } = deps;
    const calendar = await loadCalendar(db);
    const running = calendar.monthOf(now());
    const first = await requireShown(db, params.month, running);
    const neighbours: Neighbours = {
      previous: params.month > first ? previousMonth(params.month) : null,
      next: params.month < running ? nextMonth(params.month) : null,
    };
    if (params.month === running) {
      return page(await runningMonth(deps, calendar, { visitor, neighbours }));
    }
    const [overview, parked, totals, lost] = await Promise.all([
      readMonthOverview(db, params.month),
      readParked({ limit: FIRST_PARKED }, (asked) => listParkedTenants(db, params.month, asked)),
      readMonthTotals(db, { from: addMonths(params.month, 1 - CHART_MONTHS), to: params.month }),
      readLostRun(db, monthEnd, params.month),
    ]);
    return page(
      monthPage({
        visitor,
        overview,
        neighbours,
        totals,
        parked: parked.entries,
        moreParkedHref: nextHref(`/operator/months/${params.month}/parked`, parked.next_cursor),
        lost,
        temporal: temporalLinks,
      }),
    );
  },
);

/**
 * Returns the first month that has a page.
 * @throws HttpProblem `not-found` for a month that has not begun, and one before everything that is billed
 */
async function requireShown(db: Queryable, asked: Month, running: Month): Promise<Month> {
  if (asked > running) {
    throw new HttpProblem(
      'not-found',
      `${formatMonth(asked)} has not begun. The running month is ${formatMonth(running)}.`,
    );
  }
  // The last month can be closed even if there is nothing to bill.
  const [first, last] = [await firstMonth(db), previousMonth(running)];
  const shown = first === null || first > last ? last : first;
  if (asked >= shown) return shown;
  throw new HttpProblem(
    'not-found',
    `There is nothing to bill in ${formatMonth(asked)}. The first month with a subscription, an invoice or LLM usage is ${formatMonth(shown)}.`,
  );
}

async function runningMonth(
  deps: ApiDeps,
  calendar: BillingCalendar,
  { visitor, neighbours }: { readonly visitor: Visitor; readonly neighbours: Neighbours },
): Promise<string> {
  const { db, now } = deps;
  const period = calendar.periodOf(calendar.monthOf(now()));
  const before = previousMonth(period.month);
  const [{ usage, asOf }, quarantined, lastPass, totals] = await Promise.all([
    readUsageOfAll(deps, period),
    countQuarantined(db, { period }),
    readLastPass(db, before),
    readMonthTotals(db, { from: addMonths(before, 1 - CHART_MONTHS), to: before }),
  ]);
  return runningMonthPage({
    visitor,
    month: period.month,
    neighbours,
    day: Number(calendar.dateOf(now()).slice('YYYY-MM-'.length)),
    days: daysInMonth(period.periodStart),
    endsAt: period.endsAt,
    quarantined,
    asOf: asOf.toISOString(),
    usage: usageSoFar(usage, progressOfMonth(period, asOf), lastPass),
    totals,
  });
}

/** Returns the part of the month's page that refreshes. */
export const oneMonthLive = operatorPage(
  { path: '/operator/months/:month/live', params: monthParams },
  async ({ params }, { db }) => page(monthLive(await readMonthOverview(db, params.month)).text),
);

/** Shows a month's books as they are now. They scan the whole month, so no other page waits for them. */
export const books = operatorPage(
  { path: '/operator/months/:month/books', params: monthParams },
  async ({ params: { month: asked }, visitor }, { db, controlTotals }) => {
    const isOpen = await isWaitedFor(db, asked, null);
    return page(
      booksPage({
        visitor,
        month: asked,
        books: isOpen ? null : await readMonthEndStatus(db, asked, controlTotals),
      }),
    );
  },
);

/** Lists all parked tenants of a month; the month's page shows only the first ones. */
export const parkedTenants = operatorPage(
  { path: '/operator/months/:month/parked', params: monthParams, query: z.object(pageQuery) },
  async ({ params, query, visitor, path }, { db, temporalLinks = null }) => {
    const { entries, next_cursor } = await readParked(
      { limit: PARKED_A_PAGE, cursor: query.cursor },
      (asked) => listParkedTenants(db, params.month, asked),
    );
    return page(
      parkedPage({
        visitor,
        month: params.month,
        parked: entries,
        moreHref: nextHref(path, next_cursor),
        temporal: temporalLinks,
      }),
    );
  },
);

const MONTHS_A_PAGE = 12;
const readPage = pagedBy(month, (row: MonthRow) => row.month);

/** Lists the months, newest first. */
export const months = operatorPage(
  { path: '/operator/months', query: z.object(pageQuery) },
  async ({ query, visitor, path }, { db, now }) => {
    const { entries, next_cursor } = await readPage(
      { limit: MONTHS_A_PAGE, cursor: query.cursor },
      (asked) => listMonths(db, asked),
    );
    const running = (await loadCalendar(db)).monthOf(now());
    const latest = previousMonth(running);
    const isFirstPage = query.cursor === undefined;
    const isAskedFor = entries.some((row) => row.month >= latest);
    return page(
      monthsPage({
        visitor,
        months: entries,
        running,
        notAskedFor: isFirstPage && !isAskedFor ? latest : null,
        nextHref: nextHref(path, next_cursor),
      }),
    );
  },
);
