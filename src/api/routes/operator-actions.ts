import { z } from 'zod';
import { listOperatorActions, operatorActionSchema } from '../../db/operator-actions.ts';
import { instant, text } from '../../ingestion/fields.ts';
import { pageLimit } from '../fields.ts';
import { defineRoute, reply } from '../route.ts';

/** Who did what. */
export const getOperatorActions = defineRoute(
  {
    method: 'get',
    path: '/api/v1/operator-actions',
    operationId: 'getOperatorActions',
    tag: 'System',
    summary: 'List what operators did, the latest first',
    description:
      'Whatever an operator’s key or the CLI changed or tried to change, on record before it ran. ' +
      'Rows are never changed but for their outcome, which is added once.',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      actor: text(200).optional().describe('key:<label> or cli:<user>.'),
      action: text(100).optional().describe('An operationId, or a command such as invoices.void.'),
      since: instant.optional().describe('Actions from this instant on.'),
      limit: pageLimit(200, 50),
      cursor: z
        .string()
        .regex(/^\d{1,15}$/, { error: 'not a cursor of ours: take next_cursor as it is' })
        .optional()
        .describe('next_cursor of the page before.'),
    }),
    responses: {
      200: {
        description: 'A page of actions',
        schema: z.object({
          operator_actions: z.array(operatorActionSchema),
          next_cursor: z.string().nullable().describe('Null on the last page.'),
        }),
      },
    },
  },
  async ({ query: { actor, action, since, limit, cursor } }, { db }) => {
    // One more than asked for tells whether there is a next page.
    const found = await listOperatorActions(
      db,
      { actor, action, since: since?.stored },
      { before: cursor === undefined ? null : Number(cursor), limit: limit + 1 },
    );
    const page = found.slice(0, limit);
    const last = found.length > page.length ? page.at(-1) : undefined;
    return reply(200, {
      operator_actions: page,
      next_cursor: last ? String(last.action_id) : null,
    });
  },
);
