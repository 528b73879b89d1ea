import { z } from 'zod';
import { reasonSchema } from '../../contracts/request-payload.ts';
import { findUnknown } from '../../db/named-things.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { acceptControlTotals } from '../../db/usage/accept-control-totals.ts';
import {
  compareControlTotals,
  comparedDeploymentSchema,
  comparisonCountsSchema,
  countCompared,
  type ComparedDeployment,
} from '../../db/usage/compare-control-totals.ts';
import { comparedDaySchema } from '../../db/usage/compare-days.ts';
import { findDeployments } from '../../db/usage/usage-ledger.ts';
import type { Queryable } from '../../db/pool.ts';
import { DECIMAL_SUM_PATTERN } from '../../domain/decimal.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { date, month, pageLimit } from '../http/request-fields.ts';
import { requireKnown } from './require-known.ts';

const monthParams = z.strictObject({ month });

/** Pages through compared deployments, ordered by tenant and deployment. */
export const pageOfCompared = pagedBy(
  z.strictObject({ tenant_id: externalId, deployment_id: externalId }),
  ({ tenant_id, deployment_id }: ComparedDeployment) => ({ tenant_id, deployment_id }),
);

/** Compares the control totals of a month with the ledger. */
export const getControlTotalComparison = defineRoute(
  {
    method: 'get',
    path: '/api/v1/control-totals/{month}',
    operationId: 'getControlTotalComparison',
    tag: 'Month end',
    summary: "Compare a month's control totals with the ledger",
    description:
      'The sums of the month are compared for each deployment; if they differ, its days are compared. By default ' +
      'only deployments that differ are listed, and those without a control total whose tenant has some.',
    scopes: ['operator'],
    rateLimited: true,
    params: monthParams,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      all: z
        .enum(['true', 'false'])
        .optional()
        .describe(
          'true: also deployments that do not differ, and those of tenants without totals.',
        ),
      limit: pageLimit(100, 50),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of deployments, ordered by tenant and deployment',
        schema: z.object({
          month: z.string(),
          counts: comparisonCountsSchema.describe('Of all deployments, or those of the tenant.'),
          deployments: z.array(comparedDeploymentSchema),
          next_cursor: nextCursor,
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ params: { month: asked }, query }, { db }) => {
    await requireKnown(db, 'tenant', query.tenant_id);
    const calendar = await loadCalendar(db);
    const filter = {
      tenantIds: query.tenant_id === undefined ? undefined : [query.tenant_id],
      isWhole: query.all === 'true',
    };
    const counts = await countCompared(db, calendar.periodOf(asked), filter);
    const { entries, next_cursor } = await pageOfCompared(query, (page) =>
      compareControlTotals(db, calendar, asked, filter, page),
    );
    return reply(200, { month: asked, counts, deployments: entries, next_cursor });
  },
);

const seenFigures = z.strictObject({
  requests: z
    .string()
    .regex(/^(?:0|[1-9]\d{0,18})$/, { error: 'expected a whole number as text' })
    .meta({ example: '1204' }),
  charge_cents: z
    .string()
    .regex(DECIMAL_SUM_PATTERN, { error: 'expected a decimal as text, such as "0.25"' }),
});

/** Days that a request can name; more are accepted without naming them, or by deployment. */
const MAX_SEEN = 1_000;

/** Accepts differences between control totals and the ledger. */
export const postControlTotalAcceptance = defineRoute(
  {
    method: 'post',
    path: '/api/v1/control-totals/{month}/acceptances',
    operationId: 'postControlTotalAcceptance',
    tag: 'Month end',
    summary: 'Accept differences between control totals and the ledger',
    description:
      'Accepts exactly the figures that differ now. A corrected total, or usage that arrives later, needs another ' +
      'acceptance. Then run the month again: parked tenants are retried. Accepting again changes nothing.',
    scopes: ['operator'],
    rateLimited: true,
    params: monthParams,
    body: z.strictObject({
      tenant_id: externalId,
      deployment_id: externalId.optional().describe('Only this deployment.'),
      day: date.optional().describe('Only this day.'),
      days: z
        .array(
          z.strictObject({
            deployment_id: externalId,
            day: date,
            stated: seenFigures,
            ledger: seenFigures,
          }),
        )
        .min(1)
        .max(MAX_SEEN)
        .optional()
        .describe(
          'The differences as they were reviewed; if one of them has changed, nothing is accepted. Without them, ' +
            'whatever differs is accepted.',
        ),
      reason: reasonSchema,
    }),
    bodyExamples: {
      'All differences of a tenant': { tenant_id: 'acme', reason: 'the gateway counted retries' },
      'A difference that was reviewed': {
        tenant_id: 'acme',
        days: [
          {
            deployment_id: 'acme-a',
            day: '2026-05-20',
            stated: { requests: '1204', charge_cents: '51.170000000001' },
            ledger: { requests: '1203', charge_cents: '51.17' },
          },
        ],
        reason: 'the gateway counted a retry',
      },
    },
    responses: {
      200: {
        description: 'What was accepted',
        schema: z.object({
          month: z.string(),
          tenant_id: z.string(),
          accepted_days: z
            .array(
              comparedDaySchema.pick({
                deployment_id: true,
                day: true,
                stated: true,
                ledger: true,
              }),
            )
            .describe('What this request accepted; empty if nothing differs.'),
          still_different: z.int().describe('Days of the tenant that still differ.'),
        }),
      },
    },
    problems: ['data-conflict'],
  },
  async ({ params: { month: asked }, body, caller }, { db }) => {
    const { tenant_id: tenantId, deployment_id: deploymentId, day, days: seen, reason } = body;
    await requireOwn(db, tenantId, deploymentId);
    const result = await acceptControlTotals(db, await loadCalendar(db), {
      ...{ month: asked, tenantId, deploymentId, day, seen, reason },
      actor: `key:${caller.label}`,
    });
    if (result.outcome === 'changed') throw new HttpProblem('data-conflict', result.reason);
    return reply(200, {
      month: asked,
      tenant_id: tenantId,
      accepted_days: result.days.map(({ deployment_id, day: on, stated, ledger }) => ({
        ...{ deployment_id, day: on, stated, ledger },
      })),
      still_different: result.stillDifferent,
    });
  },
);

/** @throws HttpProblem `invalid-request` if there is no such tenant, or it has no such deployment */
async function requireOwn(
  db: Queryable,
  tenantId: string,
  deploymentId: string | undefined,
): Promise<void> {
  const [unknown] = await findUnknown(db, 'tenant', [tenantId]);
  if (unknown !== undefined) {
    throw invalidRequest([{ pointer: '/tenant_id', detail: `there is no tenant ${unknown}` }]);
  }
  if (deploymentId === undefined) return;
  const [deployment] = await findDeployments(db, [deploymentId]);
  if (deployment?.tenantId === tenantId) return;
  const detail = `tenant ${tenantId} has no deployment ${deploymentId}`;
  throw invalidRequest([{ pointer: '/deployment_id', detail }]);
}
