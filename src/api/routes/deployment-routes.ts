import { z } from 'zod';
import { inApplyTurn } from '../../db/settings/apply-turn.ts';
import {
  deploymentSchema,
  listDeployments,
  showDeployment,
  type DeploymentView,
} from '../../db/catalogue/tenant-views.ts';
import { applyDeployment } from '../../catalogue/apply-subscriptions.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { deploymentParams, found } from './catalogue-params.ts';
import { DEPLOYMENT, answerApplyErrors } from './catalogue-problems.ts';
import { pageLimit } from '../http/request-fields.ts';
import { requireKnown } from './require-known.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const PATH = '/api/v1/deployments/{deployment_id}';

/** Adds a deployment of a tenant. */
export const putDeployment = defineRoute(
  {
    method: 'put',
    path: PATH,
    operationId: 'putDeployment',
    tag: 'Subscriptions',
    summary: 'Add a deployment of a tenant',
    description: 'A deployment cannot move to another tenant.',
    scopes: ['operator'],
    rateLimited: true,
    params: deploymentParams,
    body: z.strictObject({ tenant_id: externalId }),
    responses: {
      200: { description: 'The deployment already existed', schema: deploymentSchema },
      201: { description: 'The new deployment', schema: deploymentSchema },
    },
    problems: ['data-conflict'],
  },
  async ({ params: { deployment_id }, body }, { db }) => {
    const { isNew, stored } = await answerApplyErrors('data-conflict', DEPLOYMENT, () =>
      inApplyTurn(db, async (tx, calendar) => {
        const deployment = { deployment_id, subscriptions: [] };
        const { newDeployments } = await applyDeployment(tx, calendar, body.tenant_id, deployment);
        return {
          isNew: newDeployments.length > 0,
          stored: await showDeployment(tx, deployment_id),
        };
      }),
    );
    return reply(isNew ? 201 : 200, found(stored, `deployment ${deployment_id}`));
  },
);

export const getDeployment = defineRoute(
  {
    method: 'get',
    path: PATH,
    operationId: 'getDeployment',
    tag: 'Subscriptions',
    summary: 'Read a deployment',
    scopes: ['operator'],
    rateLimited: true,
    params: deploymentParams,
    responses: { 200: { description: 'The deployment', schema: deploymentSchema } },
    problems: ['not-found'],
  },
  async ({ params: { deployment_id } }, { db }) =>
    reply(200, found(await showDeployment(db, deployment_id), `deployment ${deployment_id}`)),
);

const readPage = pagedBy(externalId, ({ deployment_id }: DeploymentView) => deployment_id);

export const getDeployments = defineRoute(
  {
    method: 'get',
    path: '/api/v1/deployments',
    operationId: 'getDeployments',
    tag: 'Subscriptions',
    summary: 'List deployments, ordered by id',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      limit: pageLimit(500, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of deployments',
        schema: z.object({ deployments: z.array(deploymentSchema), next_cursor: nextCursor }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query }, { db }) => {
    await requireKnown(db, 'tenant', query.tenant_id);
    const { entries, next_cursor } = await readPage(query, (page) =>
      listDeployments(db, query.tenant_id, page),
    );
    return reply(200, { deployments: entries, next_cursor });
  },
);
