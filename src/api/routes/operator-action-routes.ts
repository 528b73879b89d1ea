import { z } from 'zod';
import {
  ACTION_OUTCOMES,
  listOperatorActions,
  operatorActionSchema,
  type OperatorAction,
} from '../../db/month-end/operator-actions.ts';
import { instant, text, visibleId } from '../../ingestion/usage-fields.ts';
import { pageLimit } from '../http/request-fields.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';

/** Pages through actions. */
export const pageOfActions = pagedBy<OperatorAction, number>(z.int(), ({ action_id }) => action_id);

/** Lists the recorded actions of operators. */
export const getOperatorActions = defineRoute(
  {
    method: 'get',
    path: '/api/v1/operator-actions',
    operationId: 'getOperatorActions',
    tag: 'System',
    summary: 'List operator actions, newest first',
    description:
      'All changes and attempted changes by operator keys and the CLI, recorded before they run; also signals ' +
      'sent in the Temporal Web UI, and requests of the Schedule. A row never changes, except that its outcome ' +
      'is added once.',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      actor: text(200).optional().describe('key:<label>, cli:<user>, temporal:<name> or schedule.'),
      action: text(100)
        .optional()
        .describe('An operationId, a command such as invoices.void, or a signal name.'),
      tenant_id: visibleId(200)
        .optional()
        .describe('Only actions that name this tenant, or an invoice or adjustment note of it.')
        .meta({ example: 'acme' }),
      outcome: z.enum(ACTION_OUTCOMES).optional(),
      since: instant.optional().describe('Only actions from this instant on.'),
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
    const { actor, action, tenant_id: tenantId, outcome, since } = query;
    const filter = { actor, action, tenantId, outcome, since: since?.stored };
    const { entries, next_cursor } = await pageOfActions(query, (page) =>
      listOperatorActions(db, filter, page),
    );
    return reply(200, { operator_actions: entries, next_cursor });
  },
);
