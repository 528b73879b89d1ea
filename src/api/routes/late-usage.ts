import { z } from 'zod';
import { lateTenantSchema, listLateUsage } from '../../audit/late-usage.ts';
import { month } from '../fields.ts';
import { defineRoute, reply } from '../route.ts';

/** Whose invoices would come out differently. */
export const getLateUsage = defineRoute(
  {
    method: 'get',
    path: '/api/v1/roll-ups/{month}/late-usage',
    operationId: 'getLateUsage',
    tag: 'Month end',
    summary: 'List the tenants whose invoice of a month needs a re-run, and what it would add',
    description:
      'Metered usage that came after the month was invoiced would change its overage, and an event ' +
      'that was excluded since is still billed. Force a re-run, or settle the amount by hand where ' +
      'the invoice is paid or void. (Late LLM usage goes onto the next invoice by itself.) The ' +
      'first 200 tenants.',
    scopes: ['operator'],
    rateLimited: true,
    params: z.strictObject({ month }),
    responses: {
      200: {
        description: 'The tenants',
        schema: z.object({ month: z.string(), tenants: z.array(lateTenantSchema) }),
      },
    },
  },
  async ({ params }, { db }) =>
    reply(200, { month: params.month, tenants: await listLateUsage(db, params.month) }),
);
