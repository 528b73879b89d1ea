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
import type { CallDeps } from '../http/api-deps.ts';
import {
  accountPages,
  operatorPage,
  OPERATORS_TENANT,
  page,
  requireTenant,
  seeOther,
  tenantPage,
  type IncomingPage,
  type PageReply,
  type SignedIn,
} from './page-definition.ts';
import { dailyLive } from './views/daily-html.ts';
import { accountHref } from './views/places.ts';
import { tenantMonthPage } from './views/tenant-month-html.ts';
import { tenantUsagePage } from './views/tenant-usage-html.ts';

/** A tenant's running month; its usage by day, and the export: pages of the tenant, and of operators. */

/** Earlier months that can be chosen. */
const MONTHS_SHOWN = 36;

/** The call of a page of a tenant's account. */
type AccountCall = SignedIn & Pick<IncomingPage, 'requestId'> & { readonly tenantId: string };

/** Shows the running month, computed by the API's own route. */
async function showThisMonth(
  { visitor, caller, requestId, tenantId }: AccountCall,
  deps: CallDeps,
): Promise<PageReply> {
  const query = { tenant_id: tenantId };
  const call = { params: {}, query, body: undefined, caller, requestId };
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
}

/** The tenant's start page, and the same for operators, whose page of the tenant has only a summary of it. */
export const thisMonth = [
  tenantPage({ path: '/tenant' }, showThisMonth),
  operatorPage(
    { path: `${OPERATORS_TENANT}/this-month`, params: z.object({ tenant_id: z.string() }) },
    async (call, deps) => {
      const tenantId = await requireTenant(deps.db, call.params.tenant_id);
      return showThisMonth({ ...call, tenantId }, deps);
    },
  ),
] as const;

/** Redirects to a month: the chosen one, or the running one. */
export const tenantUsageStart = accountPages(
  { path: '/usage', query: z.object({ month: month.optional() }) },
  async ({ query, visitor, tenantId }, { db, now }) => {
    const chosen = query.month ?? (await loadCalendar(db)).monthOf(now());
    return seeOther(`${accountHref(visitor, tenantId)}/usage/${chosen}`);
  },
);

/** Downloads a month's usage, by the API's own route. */
export const tenantUsageCsv = accountPages(
  { path: '/usage/:month.csv', params: z.unknown() },
  ({ params, caller, requestId, tenantId }, deps) => {
    const query = { tenant_id: tenantId };
    return getUsageCsv.handle({ params, query, body: undefined, caller, requestId }, deps);
  },
);

/** Shows a month's usage by day. */
export const tenantUsage = accountPages(
  { path: '/usage/:month', params: usageMonthParams },
  async ({ params, visitor, caller, tenantId }, deps) => {
    const { db, now } = deps;
    const usage = { tenantId, month: params.month };
    await requireReadable(db, usage, caller, now());
    const running = (await loadCalendar(db)).monthOf(now());
    const earlier = await listReadableMonths(db, tenantId, MONTHS_SHOWN);
    // A month without an invoice can be released, too.
    const months = [...new Set([running, params.month, ...earlier])].sort().reverse();
    const daily = await readDailyUsage(deps, caller, usage);
    return page(tenantUsagePage({ visitor, tenantId, month: params.month, months, daily }));
  },
);

/** Returns the part of a page that refreshes until the usage by day is there. */
export const tenantUsageLive = accountPages(
  { path: '/usage/:month/live', params: usageMonthParams },
  async ({ params: { month }, visitor, caller, tenantId }, deps) => {
    await requireReadable(deps.db, { tenantId, month }, caller, deps.now());
    const usage = await readDailyUsage(deps, caller, { tenantId, month });
    const usageHref = `${accountHref(visitor, tenantId)}/usage`;
    return page(dailyLive({ month, timeZone: visitor.timeZone, usage, usageHref }).text);
  },
);
