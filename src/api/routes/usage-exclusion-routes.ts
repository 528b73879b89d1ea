import { z } from 'zod';
import { reasonSchema } from '../../contracts/request-payload.ts';
import { exclusionSchema, listExclusions } from '../../db/usage/usage-exclusions.ts';
import { excludeEvent } from '../../ingestion/exclude-event.ts';
import { visibleId } from '../../ingestion/usage-fields.ts';
import { month, pageLimit } from '../http/request-fields.ts';
import { HttpProblem } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';

/** Excludes an event from billing. */
export const postUsageExclusion = defineRoute(
  {
    method: 'post',
    path: '/api/v1/usage-exclusions',
    operationId: 'postUsageExclusion',
    tag: 'Usage',
    summary: 'Exclude an accepted event from billing',
    description:
      'Permanent. The event stays in the ledger and in the reconciliation, as excluded. An invoice that ' +
      'already bills it is unchanged until it is rerun; still_billed_on names it. To undo an exclusion, send ' +
      'the event again under a new id.',
    scopes: ['operator'],
    rateLimited: true,
    body: z.strictObject({
      source: z.enum(['llm', 'metered']),
      event_id: visibleId(200).describe('The gateway_request_id or the record_id.'),
      reason: reasonSchema,
    }),
    responses: {
      200: { description: 'The event was already excluded', schema: exclusionSchema },
      201: { description: 'The new exclusion', schema: exclusionSchema },
    },
    problems: ['not-found', 'exclusion-conflict'],
  },
  async ({ body, caller }, { db }) => {
    const { source, event_id: eventId, reason } = body;
    const actor = `key:${caller.label}`;
    const result = await excludeEvent(db, { source, eventId, reason, actor });
    switch (result.outcome) {
      case 'unknown':
        throw new HttpProblem('not-found', `no ${source} event with this id was accepted`);
      case 'refused':
        throw new HttpProblem('exclusion-conflict', result.reason);
      case 'excluded':
        return reply(result.isNew ? 201 : 200, result.exclusion);
    }
  },
);

/** Lists the excluded events of a month. */
export const getUsageExclusions = defineRoute(
  {
    method: 'get',
    path: '/api/v1/usage-exclusions',
    operationId: 'getUsageExclusions',
    tag: 'Usage',
    summary: 'List the excluded events of a service month, newest first',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({ month, limit: pageLimit(1000, 100) }),
    responses: {
      200: {
        description: 'The exclusions',
        schema: z.object({ exclusions: z.array(exclusionSchema) }),
      },
    },
  },
  async ({ query }, { db }) =>
    reply(200, { exclusions: await listExclusions(db, query.month, query.limit) }),
);
