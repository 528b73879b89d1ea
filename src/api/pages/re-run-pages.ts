import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { previewMonth, type TenantPreview } from '../../audit/preview.ts';
import { MAX_FORCED_TENANTS } from '../../contracts/request-payload.ts';
import { listStanding } from '../../db/invoices/month-invoices.ts';
import { findRequest } from '../../db/month-end/month-end-requests.ts';
import { showRequest } from '../../db/month-end/request-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { NO_BOUNDS } from '../../domain/bounds.ts';
import type { Month } from '../../domain/period.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { HttpProblem } from '../http/problems.ts';
import { checkRollUp, postRollUp } from '../routes/roll-up-routes.ts';
import { operatorAction } from './action-pages.ts';
import { monthParams } from './month-pages.ts';
import { operatorPage, page, type PageRoute } from './page-definition.ts';
import type { FieldMistake } from './views/form-fields.ts';
import { requestHref } from './views/places.ts';
import { reRunEffects } from './views/re-run-effects.ts';
import { chooseTenantsPage, reRunView, type ReRunForm } from './views/re-run-html.ts';
import { requestLive, requestPage } from './views/request-html.ts';

const PATH = '/operator/months/:month/re-run';
/** For more tenants, the form shows counts instead of what each tenant's rerun would issue. */
const MAX_PREVIEWED = 10;

const [ask, run] = operatorAction({
  path: PATH,
  params: monthParams,
  read: (sent): ReRunForm => ({
    requestId: sent.text('request_id') || randomUUID(),
    tenantIds: namesIn([...sent.all('tenant_id'), sent.text('tenant_ids')]),
    onlyIfChanged: sent.text('only_if_changed') === 'true',
    acceptBounds: sent.text('accept_bounds') === 'true',
  }),
  view: async ({ params: { month }, values }, { db }) =>
    reRunView(month, await readStanding(db, month, values), values),
  foresee: async ({ params: { month }, values }, deps) => {
    await checkRollUp(deps, { month, tenant_ids: values.tenantIds });
    const tenants = await readStanding(deps.db, month, values);
    const previews =
      tenants.length > MAX_PREVIEWED ? null : await previewTenants(month, values, deps);
    return reRunEffects({ month, tenants, previews, ...values });
  },
  wasDone: async ({ params: { month }, values }, { db }) =>
    (await findRequest(db, month, values.requestId)) !== null,
  run: async ({ params: { month }, values, reason, caller, requestId }, deps) => {
    const body = {
      month,
      force: true,
      tenant_ids: values.tenantIds,
      only_if_changed: values.onlyIfChanged,
      accept_bounds: values.acceptBounds,
      reason,
      request_id: values.requestId,
    };
    const call = { params: {}, query: {}, body, caller, requestId };
    await orSentBefore(() => postRollUp.handle(call, deps));
    return requestHref(month, values.requestId);
  },
  fields: {},
});

async function orSentBefore<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.problem !== 'request-conflict') throw error;
    const detail =
      'This form was sent before, with another reason or other options. For a further rerun, open it again';
    throw new HttpProblem(error.problem, detail);
  }
}

/** Requests a rerun. */
export const reRun = run;

const chooseTenants = operatorPage(
  { path: PATH, params: monthParams },
  ({ params: { month }, visitor, path }) => {
    const { searchParams } = new URL(path, 'http://page');
    const typed = searchParams.get('tenant_ids') ?? '';
    const { length } = namesIn([...searchParams.getAll('tenant_id'), typed]);
    const mistakes = length === 0 ? [] : [tooMany(length)];
    const status = length === 0 ? 200 : 422;
    return Promise.resolve(page(chooseTenantsPage({ visitor, month, typed, mistakes }), status));
  },
);

/** Asks for the tenants, then for the reason and confirmation. */
export const askForReRun: PageRoute = {
  ...ask,
  handle: (incoming, deps) => {
    const typed = incoming.query.get('tenant_ids') ?? '';
    const tenantIds = namesIn([...incoming.query.getAll('tenant_id'), typed]);
    if (tenantIds.length > 0 && tenantIds.length <= MAX_FORCED_TENANTS) {
      return ask.handle(incoming, deps);
    }
    return chooseTenants.handle(incoming, deps);
  },
};

async function readStanding(db: Queryable, month: Month, { tenantIds }: ReRunForm) {
  const period = (await loadCalendar(db)).periodOf(month);
  return listStanding(db, period, tenantIds.slice(0, MAX_FORCED_TENANTS));
}

async function previewTenants(
  month: Month,
  { tenantIds, acceptBounds }: ReRunForm,
  { db, bounds = NO_BOUNDS, controlTotals }: ApiDeps,
): Promise<ReadonlyMap<string, TenantPreview>> {
  const previews = new Map<string, TenantPreview>();
  await previewMonth(db, month, {
    bounds: acceptBounds ? NO_BOUNDS : bounds,
    ...(controlTotals && { controlTotals }),
    tenantIds,
    onTenant: (preview) => previews.set(preview.tenantId, preview),
  });
  return previews;
}

const requestParams = monthParams.extend({ request_id: z.string().max(200) });
const REQUEST_PATH = '/operator/months/:month/requests/:request_id';

/** Shows a request and its results. */
export const oneRequest = operatorPage(
  { path: REQUEST_PATH, params: requestParams },
  async ({ params: { month, request_id }, visitor }, { db, temporalLinks = null }) =>
    page(
      requestPage({
        visitor,
        month,
        requestId: request_id,
        request: await showRequest(db, month, request_id),
        temporal: temporalLinks,
      }),
    ),
);

/** Returns the part of the request's page that refreshes. */
export const oneRequestLive = operatorPage(
  { path: `${REQUEST_PATH}/live`, params: requestParams },
  async ({ params: { month, request_id }, visitor }, { db }) =>
    page(requestLive(await showRequest(db, month, request_id), visitor.timeZone).text),
);

/** Splits typed ids at white space and commas, without duplicates. */
function namesIn(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.flatMap((text) => text.split(/[\s,]+/)).filter((id) => id !== ''))];
}

function tooMany(count: number): FieldMistake {
  return {
    field: 'tenant_ids',
    detail: `Enter at most ${MAX_FORCED_TENANTS} tenants; these are ${count}`,
  };
}
