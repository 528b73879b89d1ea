import { z } from 'zod';
import { NO_BOUNDS } from '../../domain/bounds.ts';
import { lateUsageSchema, listLateUsage } from '../../audit/late-usage.ts';
import { month } from '../http/request-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';

/** What no ordinary run bills. */
export const getLateUsage = defineRoute(
  {
    method: 'get',
    path: '/api/v1/roll-ups/{month}/late-usage',
    operationId: 'getLateUsage',
    tag: 'Month end',
    summary: 'List the usage of a month that no ordinary run bills, and what does',
    description:
      'By tenant and reason, the names behind the reconciliation: late usage that takes a re-run, usage ' +
      'of tenants that are not due, of deployments without a subscription, of kinds that no plan ' +
      'prices, usage whose building was cut off, usage of due tenants that a closed month has not ' +
      'invoiced, and late LLM usage that the next invoice bills by itself. Also invoices that ' +
      'bill events which were excluded since. Each with the amount, the action and the command that ' +
      'bills it. The first 200 entries, most urgent first.',
    scopes: ['operator'],
    rateLimited: true,
    params: z.strictObject({ month }),
    responses: {
      200: {
        description: 'The entries',
        schema: z.object({ month: z.string(), entries: z.array(lateUsageSchema) }),
      },
    },
  },
  async ({ params: { month: asked } }, { db, bounds = NO_BOUNDS }) =>
    reply(200, { month: asked, entries: await listLateUsage(db, asked, { bounds }) }),
);
