import { z } from 'zod';
import type { RunningMonthJson } from '../../audit/running-month-json.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { listThresholds } from '../../db/usage/spend-thresholds.ts';
import { listReadableMonths } from '../../db/usage/usage-by-day.ts';
import { MAX_THRESHOLDS } from '../../domain/spend-thresholds.ts';
import { month } from '../http/request-fields.ts';
import { getCurrentUsage } from '../routes/current-usage-route.ts';
import { getUsageCsv, requireReadable, usageMonthParams } from '../routes/usage-export-route.ts';
import { readDailyUsage } from './daily-usage.ts';
import { page, seeOther, tenantPage } from './page-definition.ts';
import { dailyLive } from './views/daily-html.ts';
import { tenantMonthPage } from './views/tenant-month-html.ts';
import { tenantUsagePage } from './views/tenant-usage-html.ts';

/** A tenant's running month; its usage by day, and the export. */

/** Earlier months that can be chosen. */
const MONTHS_SHOWN = 36;

/** Shows the running month, computed by the API's own route. */
export const thisMonth = tenantPage(
  { path: '/tenant' },
  async ({ visitor, caller, requestId, tenantId }, deps) => {
    const call = { params: {}, query: {}, body: undefined, caller, requestId };
    const { body } = await getCurrentUsage.handle(call, deps);
    // Safe: the route's schema has just validated it.
    const running = body as RunningMonthJson;
    const { month } = running.period;
    const all = { after: null, limit: MAX_THRESHOLDS };
    return page(
      tenantMonthPage({
        visitor,
        running,
        thresholds: await listThresholds(deps.db, tenantId, all),
        daily: await readDailyUsage(deps, caller, { tenantId, month }),
      }),
    );
  },
);

/** Redirects to a month: the chosen one, or the running one. */
export const tenantUsageStart = tenantPage(
  { path: '/tenant/usage', query: z.object({ month: month.optional() }) },
  async ({ query }, { db, now }) => {
    const chosen = query.month ?? (await loadCalendar(db)).monthOf(now());
    return seeOther(`/tenant/usage/${chosen}`);
  },
);

/** Downloads a month's usage, by the API's own route. */
export const tenantUsageCsv = tenantPage(
  { path: '/tenant/usage/:month.csv', params: z.unknown() },
  ({ params, caller, requestId }, deps) =>
    getUsageCsv.handle({ params, query: {}, body: undefined, caller, requestId }, deps),
);

/** Shows a month's usage by day. */
export const tenantUsage = tenantPage(
  { path: '/tenant/usage/:month', params: usageMonthParams },
  async ({ params, visitor, caller, tenantId }, deps) => {
    const { db, now } = deps;
    const usage = { tenantId, month: params.month };
    await requireReadable(db, usage, caller, now());
    const running = (await loadCalendar(db)).monthOf(now());
    const earlier = await listReadableMonths(db, tenantId, MONTHS_SHOWN);
    // A month without an invoice can be released, too.
    const months = [...new Set([running, params.month, ...earlier])].sort().reverse();
    const daily = await readDailyUsage(deps, caller, usage);
    return page(tenantUsagePage({ visitor, month: params.month, months, daily }));
  },
);

/** Returns the part of a page that refreshes until the usage by day is there. */
export const tenantUsageLive = tenantPage(
  { path: '/tenant/usage/:month/live', params: usageMonthParams },
  async ({ params, visitor, caller, tenantId }, deps) => {
    const usage = { tenantId, month: params.month };
    await requireReadable(deps.db, usage, caller, deps.now());
    const daily = await readDailyUsage(deps, caller, usage);
    return page(dailyLive({ month: params.month, timeZone: visitor.timeZone, usage: daily }).text);
  },
);
