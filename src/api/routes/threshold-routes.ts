import { z } from 'zod';
import { thresholdFields, toLimit } from '../../catalogue/threshold-fields.ts';
import {
  listThresholds,
  removeThreshold,
  setThreshold,
  showThreshold,
  thresholdSchema,
  whyNotSet,
  type ThresholdKey,
  type ThresholdView,
} from '../../db/usage/spend-thresholds.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import type { Caller } from '../http/authenticate.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { HttpProblem } from '../http/problems.ts';
import { pageLimit } from '../http/request-fields.ts';
import { knownTenant, requiredTenant } from './invoice-params.ts';

const PATH = '/api/v1/usage-thresholds/{threshold_id}';

const params = z.strictObject({
  threshold_id: externalId
    .meta({ example: 'warning' })
    .describe('Chosen by you, unique per tenant.'),
});
const ofTenant = z.strictObject({
  tenant_id: externalId
    .optional()
    .describe("Required with an operator's key. A tenant's key can name no other tenant."),
});

/** Sets a spend threshold. */
export const putUsageThreshold = defineRoute(
  {
    method: 'put',
    path: PATH,
    operationId: 'putUsageThreshold',
    tag: 'Usage',
    summary: 'Set a spend threshold of a tenant',
    description:
      'When the running invoice of a month comes to a threshold, before tax, the webhook event ' +
      'usage.threshold_reached is sent: once per month and threshold, within minutes, also if the month had passed it ' +
      'before it was set. A changed threshold counts as another one. Nothing is blocked: the gateway enforces limits.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params,
    query: ofTenant,
    body: thresholdFields,
    bodyExamples: {
      'An amount': { amount_cents: 25_000 },
      'A share of the plan': { percent_of_plan: 150 },
    },
    responses: {
      200: { description: 'The threshold, changed or as it was', schema: thresholdSchema },
      201: { description: 'The new threshold', schema: thresholdSchema },
    },
    problems: ['not-found', 'data-conflict'],
  },
  async ({ params: { threshold_id: thresholdId }, query, body, caller }, { db }) => {
    const tenantId = await requiredTenant(db, caller, query.tenant_id);
    const threshold = { tenantId, thresholdId, limit: toLimit(body), actor: actorOf(caller) };
    const outcome = await setThreshold(db, threshold);
    const refusal = whyNotSet(outcome, tenantId);
    if (refusal !== null) throw new HttpProblem('data-conflict', refusal);
    const stored = await showThreshold(db, tenantId, thresholdId);
    // Another call removed it concurrently.
    if (stored === null) throw notAThreshold(tenantId, thresholdId);
    return reply(outcome === 'added' ? 201 : 200, stored);
  },
);

const readPage = pagedBy(
  z.strictObject({ tenant_id: externalId, threshold_id: externalId }),
  ({ tenant_id, threshold_id }: ThresholdView): ThresholdKey => ({ tenant_id, threshold_id }),
);

/** Lists spend thresholds. */
export const getUsageThresholds = defineRoute(
  {
    method: 'get',
    path: '/api/v1/usage-thresholds',
    operationId: 'getUsageThresholds',
    tag: 'Usage',
    summary: 'List spend thresholds, by tenant and id',
    description:
      'Each with whether the running month has reached it. A tenant key sees only its own tenant.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      limit: pageLimit(500, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of thresholds',
        schema: z.object({ thresholds: z.array(thresholdSchema), next_cursor: nextCursor }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query, caller }, { db }) => {
    const tenantId = await knownTenant(db, caller, query.tenant_id);
    const { entries, next_cursor } = await readPage(query, (page) =>
      listThresholds(db, tenantId, page),
    );
    return reply(200, { thresholds: entries, next_cursor });
  },
);

/** Removes a spend threshold. */
export const deleteUsageThreshold = defineRoute(
  {
    method: 'delete',
    path: PATH,
    operationId: 'deleteUsageThreshold',
    tag: 'Usage',
    summary: 'Remove a spend threshold of a tenant',
    description:
      'Setting it to the same value again in the same month does not report it a second time.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params,
    query: ofTenant,
    responses: { 200: { description: 'The threshold that was removed', schema: thresholdSchema } },
    problems: ['not-found'],
  },
  async ({ params: { threshold_id: thresholdId }, query, caller }, { db }) => {
    const tenantId = await requiredTenant(db, caller, query.tenant_id);
    const former = await showThreshold(db, tenantId, thresholdId);
    const threshold = { tenantId, thresholdId, actor: actorOf(caller) };
    if (former !== null && (await removeThreshold(db, threshold))) return reply(200, former);
    throw notAThreshold(tenantId, thresholdId);
  },
);

function actorOf({ label }: Caller): string {
  return `key:${label}`;
}

function notAThreshold(tenantId: string, thresholdId: string): HttpProblem {
  return new HttpProblem('not-found', `tenant ${tenantId} has no threshold ${thresholdId}`);
}
