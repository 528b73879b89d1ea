import { z } from 'zod';
import { readMonthEndStatus } from '../../db/month-end/month-end-status.ts';
import {
  compareKinds,
  listParkedTenants,
  readMonthOverview,
  type ParkedTenant,
  listMonths,
  type MonthRow,
} from '../../db/month-end/month-views.ts';
import { monthLive } from './views/month-live-html.ts';
import { monthPage } from './views/month-html.ts';
import { parkedPage } from './views/parked-html.ts';
import { readLostRun } from '../http/lost-run.ts';
import { month } from '../http/request-fields.ts';
import { pagedBy } from '../http/paging.ts';
import { nextHref, pageQuery, operatorPage, page } from './page-definition.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { monthsPage } from './views/months-html.ts';

export const monthParams = z.object({ month });

const FIRST_PARKED = 20;
const PARKED_A_PAGE = 100;
const readParked = pagedBy(z.string(), ({ tenant_id }: ParkedTenant) => tenant_id);

/** Shows a month. */
export const oneMonth = operatorPage(
  { path: '/operator/months/:month', params: monthParams },
  async ({ params, visitor }, { db, monthEnd, controlTotals, temporalLinks = null }) => {
    const overview = await readMonthOverview(db, params.month);
    // Concurrently: with many tenants each sum takes most of a second.
    const [parked, kinds, books, lost] = await Promise.all([
      readParked({ limit: FIRST_PARKED }, (asked) => listParkedTenants(db, params.month, asked)),
      compareKinds(db, params.month),
      overview.is_served ? readMonthEndStatus(db, params.month, controlTotals) : null,
      readLostRun(db, monthEnd, params.month),
    ]);
    return page(
      monthPage({
        visitor,
        overview,
        kinds,
        parked: parked.entries,
        moreParkedHref: nextHref(`/operator/months/${params.month}/parked`, parked.next_cursor),
        books,
        lost,
        temporal: temporalLinks,
      }),
    );
  },
);

/** Returns the part of the month's page that refreshes. */
export const oneMonthLive = operatorPage(
  { path: '/operator/months/:month/live', params: monthParams },
  async ({ params }, { db }) => page(monthLive(await readMonthOverview(db, params.month)).text),
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
    const latest = (await loadCalendar(db)).monthBefore(now());
    const isFirstPage = query.cursor === undefined;
    const isAskedFor = entries.some((row) => row.month >= latest);
    return page(
      monthsPage({
        visitor,
        months: entries,
        notAskedFor: isFirstPage && !isAskedFor ? latest : null,
        nextHref: nextHref(path, next_cursor),
      }),
    );
  },
);
