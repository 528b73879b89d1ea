import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { MAX_FORCED_TENANTS } from '../../contracts/request-payload.ts';
import { listStanding } from '../../db/invoices/month-invoices.ts';
import { showRequest } from '../../db/month-end/request-views.ts';
import { requestHref } from './views/places.ts';
import type { FieldMistake } from './views/form-fields.ts';
import { chooseTenantsPage, reRunPage, type ReRunForm } from './views/re-run-html.ts';
import { requestLive, requestPage } from './views/request-html.ts';
import { HttpProblem } from '../http/problems.ts';
import { postRollUp } from '../routes/roll-up-routes.ts';
import { monthParams } from './month-pages.ts';
import { operatorPage, page, seeOther, type Form } from './page-definition.ts';

const PATH = '/operator/months/:month/re-run';

/** Asks for the tenants, then for the reason and confirmation. */
export const askForReRun = operatorPage(
  { path: PATH, params: monthParams },
  async ({ params: { month }, visitor, path }, { db }) => {
    const { searchParams } = new URL(path, 'http://page');
    const typed = searchParams.get('tenant_ids') ?? '';
    const tenantIds = namesIn([...searchParams.getAll('tenant_id'), typed]);
    if (tenantIds.length === 0 || tenantIds.length > MAX_FORCED_TENANTS) {
      const mistakes = tenantIds.length === 0 ? [] : [tooMany(tenantIds.length)];
      const status = mistakes.length === 0 ? 200 : 422;
      return page(chooseTenantsPage({ visitor, month, typed, mistakes }), status);
    }
    const form: ReRunForm = {
      requestId: randomUUID(),
      reason: '',
      onlyIfChanged: false,
      acceptBounds: false,
    };
    const tenants = await listStanding(db, month, tenantIds);
    return page(reRunPage({ visitor, month, tenants, form, mistakes: [] }));
  },
);

/** Requests a rerun through the API's own route, with the same validation and record of the action. */
export const reRun = operatorPage(
  { method: 'post', path: PATH, params: monthParams },
  async ({ params: { month }, form: sent, visitor, caller, requestId }, deps) => {
    const form = toReRunForm(sent);
    const tenantIds = namesIn(sent.all('tenant_id'));
    const body = {
      month,
      force: true,
      tenant_ids: tenantIds,
      only_if_changed: form.onlyIfChanged,
      accept_bounds: form.acceptBounds,
      reason: form.reason,
      request_id: form.requestId,
    };
    try {
      await postRollUp.handle({ params: {}, query: {}, body, caller, requestId }, deps);
    } catch (error) {
      if (!(error instanceof HttpProblem) || error.problem !== 'invalid-request') throw error;
      const mistakes = error.errors.map(toMistake);
      const tenants = await listStanding(deps.db, month, tenantIds.slice(0, MAX_FORCED_TENANTS));
      return page(reRunPage({ visitor, month, tenants, form, mistakes }), 422);
    }
    return seeOther(requestHref(month, form.requestId));
  },
);

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

function toReRunForm(sent: Form): ReRunForm {
  return {
    requestId: sent.text('request_id'),
    reason: sent.text('reason'),
    onlyIfChanged: sent.text('only_if_changed') === 'true',
    acceptBounds: sent.text('accept_bounds') === 'true',
  };
}

function toMistake({ pointer = '', detail }: HttpProblem['errors'][number]): FieldMistake {
  if (pointer === '/reason') return { field: 'reason', detail: `Reason: ${detail}` };
  // The page lists the tenants, but has no field for them.
  if (pointer.startsWith('/tenant_ids/')) return { field: null, detail };
  return { field: null, detail: `${pointer.slice(1)}: ${detail}` };
}

function tooMany(count: number): FieldMistake {
  return {
    field: 'tenant_ids',
    detail: `Enter at most ${MAX_FORCED_TENANTS} tenants; these are ${count}`,
  };
}
