import { z } from 'zod';
import { inApplyTurn } from '../../db/settings/apply-turn.ts';
import {
  listTenants,
  showTenant,
  tenantSchema,
  type TenantView,
} from '../../db/catalogue/tenant-views.ts';
import { applySubscriptions } from '../../catalogue/apply-subscriptions.ts';
import { tenantTerms } from '../../catalogue/subscriptions-file.ts';
import { externalId, text } from '../../ingestion/usage-fields.ts';
import { found, tenantParams } from './catalogue-params.ts';
import { TENANT, answerApplyErrors } from './catalogue-problems.ts';
import { pageLimit } from '../http/request-fields.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const PATH = '/api/v1/tenants/{tenant_id}';

/** Adds a tenant, or renames it. */
export const putTenant = defineRoute(
  {
    method: 'put',
    path: PATH,
    operationId: 'putTenant',
    tag: 'Subscriptions',
    summary: 'Add or rename a tenant',
    description: 'The currency of a tenant cannot change.',
    scopes: ['operator'],
    rateLimited: true,
    params: tenantParams,
    body: tenantTerms,
    responses: {
      200: { description: 'The tenant already existed', schema: tenantSchema },
      201: { description: 'The new tenant', schema: tenantSchema },
    },
    problems: ['data-conflict'],
  },
  async ({ params: { tenant_id }, body }, { db }) => {
    const tenants = [{ tenant_id, ...body, deployments: [] }];
    const { isNew, stored } = await answerApplyErrors('data-conflict', TENANT, () =>
      inApplyTurn(db, async (tx, calendar) => {
        const { newTenants } = await applySubscriptions(tx, calendar, { tenants });
        return { isNew: newTenants.length > 0, stored: await showTenant(tx, tenant_id) };
      }),
    );
    return reply(isNew ? 201 : 200, found(stored, `tenant ${tenant_id}`));
  },
);

export const getTenant = defineRoute(
  {
    method: 'get',
    path: PATH,
    operationId: 'getTenant',
    tag: 'Subscriptions',
    summary: 'Read a tenant',
    scopes: ['operator'],
    rateLimited: true,
    params: tenantParams,
    responses: { 200: { description: 'The tenant', schema: tenantSchema } },
    problems: ['not-found'],
  },
  async ({ params: { tenant_id } }, { db }) =>
    reply(200, found(await showTenant(db, tenant_id), `tenant ${tenant_id}`)),
);

const readPage = pagedBy(externalId, ({ tenant_id }: TenantView) => tenant_id);

export const getTenants = defineRoute(
  {
    method: 'get',
    path: '/api/v1/tenants',
    operationId: 'getTenants',
    tag: 'Subscriptions',
    summary: 'List tenants, ordered by id',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      search: text(100).optional().describe('Part of the id or name, case-insensitive.'),
      limit: pageLimit(500, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of tenants',
        schema: z.object({ tenants: z.array(tenantSchema), next_cursor: nextCursor }),
      },
    },
  },
  async ({ query }, { db }) => {
    const { entries, next_cursor } = await readPage(query, (page) =>
      listTenants(db, page, query.search),
    );
    return reply(200, { tenants: entries, next_cursor });
  },
);
