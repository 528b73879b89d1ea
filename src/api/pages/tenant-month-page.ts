import type { RunningMonthJson } from '../../audit/running-month-json.ts';
import { listThresholds } from '../../db/usage/spend-thresholds.ts';
import { MAX_THRESHOLDS } from '../../domain/spend-thresholds.ts';
import { getCurrentUsage } from '../routes/current-usage-route.ts';
import { readDailyUsage } from './daily-usage.ts';
import { page, tenantPage } from './page-definition.ts';
import { tenantMonthPage } from './views/tenant-month-html.ts';

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
