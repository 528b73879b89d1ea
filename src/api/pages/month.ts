import { z } from 'zod';
import { readMonthEndStatus } from '../../db/month-end/month-end-status.ts';
import {
  compareKinds,
  listParkedTenants,
  readMonthOverview,
  type ParkedTenant,
} from '../../db/month-end/month-views.ts';
import { monthLive } from './views/month-live.ts';
import { monthPage } from './views/month.ts';
import { parkedPage } from './views/parked.ts';
import { month } from '../http/request-fields.ts';
import { pagedBy } from '../http/paging.ts';
import { nextHref, pageQuery } from './page-links.ts';
import { operatorPage, page } from './page-definition.ts';

export const monthParams = z.object({ month });

const FIRST_PARKED = 20;
const PARKED_A_PAGE = 100;
const readParked = pagedBy(z.string(), ({ tenant_id }: ParkedTenant) => tenant_id);

/** One month. */
export const oneMonth = operatorPage(
  { path: '/operator/months/:month', params: monthParams },
  async ({ params, visitor }, { db, temporalLinks = null }) => {
    const overview = await readMonthOverview(db, params.month);
    // At once: of a month of many tenants the sums take most of a second each.
    const [parked, kinds, books] = await Promise.all([
      readParked({ limit: FIRST_PARKED }, (asked) => listParkedTenants(db, params.month, asked)),
      compareKinds(db, params.month),
      overview.is_served ? readMonthEndStatus(db, params.month) : null,
    ]);
    return page(
      monthPage({
        visitor,
        overview,
        kinds,
        parked: parked.entries,
        moreParkedHref: nextHref(`/operator/months/${params.month}/parked`, parked.next_cursor),
        books,
        temporal: temporalLinks,
      }),
    );
  },
);

/** The part of it that moves. */
export const oneMonthLive = operatorPage(
  { path: '/operator/months/:month/live', params: monthParams },
  async ({ params }, { db }) => page(monthLive(await readMonthOverview(db, params.month)).text),
);

/** Its parked tenants, where there are more than its page shows. */
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
