import { z } from 'zod';
import {
  agingSchema,
  listTenantBalances,
  readAging,
  readToday,
  tenantBalanceSchema,
  type TenantBalance,
  type TenantBalanceKey,
} from '../../db/invoices/balances.ts';
import { monthStart } from '../../domain/period.ts';
import { currencyCode, externalId } from '../../ingestion/usage-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { month, pageLimit } from '../http/request-fields.ts';
import { knownTenant } from './invoice-params.ts';

const asOf = z.iso.date().describe('Today in the billing time zone.');

const readPage = pagedBy(
  z.strictObject({ tenant_id: externalId, currency: currencyCode }),
  ({ tenant_id, currency }: TenantBalance): TenantBalanceKey => ({ tenant_id, currency }),
);

/** Lists what tenants owe. */
export const getBalances = defineRoute(
  {
    method: 'get',
    path: '/api/v1/balances',
    operationId: 'getBalances',
    tag: 'Payments',
    summary: 'List what tenants owe, ordered by tenant',
    description:
      'The sums of invoices, adjustment notes and payments of each tenant that has invoices. Sums are text, because ' +
      'they can be beyond 2^53. A tenant key sees only its own tenant.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      limit: pageLimit(500, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of balances',
        schema: z.object({
          as_of: asOf,
          balances: z.array(tenantBalanceSchema),
          next_cursor: nextCursor,
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query, caller }, { db }) => {
    const tenantId = await knownTenant(db, caller, query.tenant_id);
    const { entries, next_cursor } = await readPage(query, (page) =>
      listTenantBalances(db, tenantId === undefined ? undefined : [tenantId], page),
    );
    return reply(200, { as_of: await readToday(db), balances: entries, next_cursor });
  },
);

/** Shows what is owed by how long it has been overdue. */
export const getAging = defineRoute(
  {
    method: 'get',
    path: '/api/v1/aging',
    operationId: 'getAging',
    tag: 'Payments',
    summary: 'Show what is owed by how long it has been overdue',
    description:
      'By currency, for the invoices of one month or of all months. Each balance is in exactly one column, so the ' +
      'columns add up to balance_cents.',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({ month: month.optional().describe('By default all months.') }),
    responses: {
      200: {
        description: 'What is owed',
        schema: z.object({
          as_of: asOf,
          month: z.string().nullable(),
          currencies: z.array(agingSchema),
        }),
      },
    },
  },
  async ({ query }, { db }) =>
    reply(200, {
      as_of: await readToday(db),
      month: query.month ?? null,
      currencies: await readAging(db, query.month === undefined ? null : monthStart(query.month)),
    }),
);
