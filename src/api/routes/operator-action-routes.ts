import { z } from 'zod';
import {
  listOperatorActions,
  operatorActionSchema,
  type OperatorAction,
} from '../../db/month-end/operator-actions.ts';
import { instant, text } from '../../ingestion/fields.ts';
import { pageLimit } from '../http/request-fields.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const readPage = pagedBy<OperatorAction, number>(z.int(), ({ action_id }) => action_id);

/** Who did what. */
export const getOperatorActions = defineRoute(
  {
    method: 'get',
    path: '/api/v1/operator-actions',
    operationId: 'getOperatorActions',
    tag: 'System',
    summary: 'List what operators did, the latest first',
    description:
      'Whatever an operator’s key or the CLI changed or tried to change, on record before it ran; ' +
      'signals sent in the Temporal Web UI, and what the Schedule asked for. ' +
      'Rows are never changed but for their outcome, which is added once.',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      actor: text(200).optional().describe('key:<label>, cli:<user>, temporal:<name> or schedule.'),
      action: text(100)
        .optional()
        .describe('An operationId, a command such as invoices.void, or a signal.'),
      since: instant.optional().describe('Actions from this instant on.'),
      limit: pageLimit(200, 50),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of actions',
        schema: z.object({
          operator_actions: z.array(operatorActionSchema),
          next_cursor: nextCursor,
        }),
      },
    },
  },
  async ({ query }, { db }) => {
    const { actor, action, since } = query;
    const filter = { actor, action, since: since?.stored };
    const { entries, next_cursor } = await readPage(query, (page) =>
      listOperatorActions(db, filter, page),
    );
    return reply(200, { operator_actions: entries, next_cursor });
  },
);
