import { z } from 'zod';
import { countLiveKeys } from '../../db/access/api-keys.ts';
import { listBuyerVersions } from '../../db/catalogue/buyer-details.ts';
import { listSubscriptions } from '../../db/catalogue/subscription-views.ts';
import { showTenant } from '../../db/catalogue/tenant-views.ts';
import { listTenantBalances } from '../../db/invoices/balances.ts';
import { listInvoices } from '../../db/invoices/invoice-views.ts';
import { listItems } from '../../db/invoices/item-views.ts';
import { listNotes } from '../../db/invoices/note-views.ts';
import { listPayments } from '../../db/invoices/payment-views.ts';
import { listTenantRows, TENANT_STATES, type TenantRow } from '../../db/invoices/tenant-list.ts';
import { listParkedMonths } from '../../db/month-end/parked-months.ts';
import type { Queryable } from '../../db/pool.ts';
import { listTenantTax } from '../../db/tax/tax-views.ts';
import { countQuarantined } from '../../db/usage/quarantine-views.ts';
import { listThresholds } from '../../db/usage/spend-thresholds.ts';
import { countDeadDeliveries } from '../../db/webhooks/webhook-deliveries.ts';
import { MAX_THRESHOLDS } from '../../domain/spend-thresholds.ts';
import { externalId, text } from '../../ingestion/usage-fields.ts';
import { pagedBy } from '../http/paging.ts';
import { found } from '../routes/catalogue-params.ts';
import { pageOfSubscriptions } from '../routes/subscription-routes.ts';
import {
  nextHref,
  operatorPage,
  OPERATORS_TENANT,
  page,
  pageQuery,
  requireTenant,
} from './page-definition.ts';
import { readTenantActivity } from './tenant-activity.ts';
import { subscriptionsPage } from './views/subscriptions-html.ts';
import { activityLive } from './views/tenant-activity-html.ts';
import {
  tenantOverviewPage,
  type FirstEntries,
  type TenantOverview,
} from './views/tenant-overview-html.ts';
import { TENANTS_PATH, tenantsPage } from './views/tenants-html.ts';

/** The list of tenants, and the operators' page of each. The pages below it are those of the tenant itself. */

const TENANTS_A_PAGE = 50;
const readTenants = pagedBy(externalId, ({ tenant_id }: TenantRow) => tenant_id);

/** Lists tenants, by id. */
export const tenants = operatorPage(
  {
    path: TENANTS_PATH,
    query: z.object({
      ...pageQuery,
      search: text(100).optional(),
      state: z.enum(TENANT_STATES).optional(),
    }),
  },
  async ({ query: { cursor, search, state }, visitor, path }, { db, now }) => {
    const { entries, next_cursor } = await readTenants({ limit: TENANTS_A_PAGE, cursor }, (asked) =>
      listTenantRows(db, { search, state, at: now() }, asked),
    );
    const filter = { search: search ?? '', state: state ?? '' };
    const next = nextHref(path, next_cursor);
    return page(tenantsPage({ visitor, tenants: entries, filter, nextHref: next }));
  },
);

/** Path parameters. The id may be any text: one of no tenant is `not-found`. */
const tenantPath = z.object({ tenant_id: z.string() });

/** Shows a tenant. */
export const oneTenant = operatorPage(
  { path: OPERATORS_TENANT, params: tenantPath },
  async ({ params, visitor }, deps) => {
    const tenantId = await requireTenant(deps.db, params.tenant_id);
    const at = deps.now();
    const [activity, overview] = await Promise.all([
      readTenantActivity(deps, tenantId, { isPage: true }),
      readOverview(deps.db, tenantId, at),
    ]);
    return page(tenantOverviewPage({ ...overview, visitor, activity, at }));
  },
);

/** Returns the part of a tenant's page that refreshes until its usage is there. */
export const oneTenantLive = operatorPage(
  { path: `${OPERATORS_TENANT}/live`, params: tenantPath },
  async ({ params, visitor }, deps) => {
    const tenantId = await requireTenant(deps.db, params.tenant_id);
    const activity = await readTenantActivity(deps, tenantId, { isPage: false });
    const thresholds = await listThresholds(deps.db, tenantId, ALL_THRESHOLDS);
    return page(activityLive({ visitor, tenantId, activity, thresholds }).text);
  },
);

const SUBSCRIPTIONS_A_PAGE = 50;

/** Lists all subscriptions of a tenant, by id. */
export const tenantSubscriptions = operatorPage(
  { path: `${OPERATORS_TENANT}/subscriptions`, params: tenantPath, query: z.object(pageQuery) },
  async ({ params, query: { cursor }, visitor, path }, { db, now }) => {
    const tenantId = await requireTenant(db, params.tenant_id);
    const { currency } = found(await showTenant(db, tenantId), `tenant ${tenantId}`);
    const { entries, next_cursor } = await pageOfSubscriptions(
      { limit: SUBSCRIPTIONS_A_PAGE, cursor },
      (asked) => listSubscriptions(db, { tenantId }, asked),
    );
    return page(
      subscriptionsPage({
        ...{ visitor, tenantId, currency, at: now() },
        subscriptions: entries,
        nextHref: nextHref(path, next_cursor),
      }),
    );
  },
);

const ALL_THRESHOLDS = { after: null, limit: MAX_THRESHOLDS };
const SHOWN_INVOICES = 12;
const SHOWN_SUBSCRIPTIONS = 10;
/** Entries shown of every other list; links lead to the rest. */
const SHOWN = 5;

async function readOverview(db: Queryable, tenantId: string, at: Date): Promise<TenantOverview> {
  return {
    tenant: found(await showTenant(db, tenantId), `tenant ${tenantId}`),
    balances: await listTenantBalances(db, [tenantId], { after: null, limit: SHOWN }),
    parked: await listParkedMonths(db, tenantId),
    quarantined: await countQuarantined(db, { tenantId }),
    deadDeliveries: await countDeadDeliveries(db, tenantId),
    keys: await countLiveKeys(db, tenantId, at),
    subscriptions: await first(SHOWN_SUBSCRIPTIONS, (limit) =>
      listSubscriptions(db, { tenantId, ended: { by: at, is: false } }, { after: null, limit }),
    ),
    endedSubscriptions: await first(SHOWN_SUBSCRIPTIONS, (limit) =>
      listSubscriptions(db, { tenantId, ended: { by: at, is: true } }, { after: null, limit }),
    ),
    invoices: await first(SHOWN_INVOICES, (limit) =>
      listInvoices(db, { tenantId }, { after: null, limit }),
    ),
    notes: await first(SHOWN, (limit) => listNotes(db, { tenantId }, { after: null, limit })),
    payments: await first(SHOWN, (limit) => listPayments(db, { tenantId }, { after: null, limit })),
    items: await first(SHOWN, (limit) =>
      listItems(db, { tenantId, state: 'waiting' }, { after: null, limit }),
    ),
    thresholds: await listThresholds(db, tenantId, ALL_THRESHOLDS),
    tax: await listTenantTax(db, tenantId),
    buyers: await first(SHOWN, (limit) => listBuyerVersions(db, tenantId, limit)),
  };
}

/** Reads the first entries of a list; one more than shown says whether there are more. */
async function first<Entry>(
  shown: number,
  list: (limit: number) => Promise<readonly Entry[]>,
): Promise<FirstEntries<Entry>> {
  const entries = await list(shown + 1);
  return { entries: entries.slice(0, shown), hasMore: entries.length > shown };
}
