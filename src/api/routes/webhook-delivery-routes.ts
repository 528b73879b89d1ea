import { z } from 'zod';
import {
  listWebhookAttempts,
  webhookAttemptSchema,
  type LoggedWebhookAttempt,
} from '../../db/webhooks/webhook-attempts.ts';
import { replayEvents } from '../../db/webhooks/webhook-replays.ts';
import { instant } from '../../ingestion/usage-fields.ts';
import { EXAMPLE_ID } from '../openapi/example.ts';
import { pageLimit } from '../http/request-fields.ts';
import { requireKnown } from './require-known.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';

/** Pages through attempts. */
export const pageOfAttempts = pagedBy<LoggedWebhookAttempt, number>(
  z.int(),
  ({ attempt_id }) => attempt_id,
);

/** Lists delivery attempts. */
export const getWebhookAttempts = defineRoute(
  {
    method: 'get',
    path: '/api/v1/webhook-attempts',
    operationId: 'getWebhookAttempts',
    tag: 'Webhooks',
    summary: 'List attempts to deliver events, newest first',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      endpoint_id: z.uuid().optional(),
      event_id: z.uuid().meta({ example: EXAMPLE_ID }).optional(),
      outcome: z.enum(['delivered', 'failed']).optional(),
      limit: pageLimit(200, 50),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of attempts',
        schema: z.object({
          webhook_attempts: z.array(webhookAttemptSchema),
          next_cursor: nextCursor,
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query }, { db }) => {
    const { endpoint_id: endpointId, event_id: eventId, outcome } = query;
    await requireKnown(db, 'webhook endpoint', endpointId);
    await requireKnown(db, 'webhook event', eventId);
    const { entries, next_cursor } = await pageOfAttempts(query, (page) =>
      listWebhookAttempts(db, { endpointId, eventId, outcome }, page),
    );
    return reply(200, { webhook_attempts: entries, next_cursor });
  },
);

const replayRequest = z
  .strictObject({
    event_id: z.uuid().optional().describe('Replays one event.'),
    since: instant
      .optional()
      .describe('Replays all events from this instant on; requires endpoint_id.'),
    endpoint_id: z
      .uuid()
      .optional()
      .describe(
        'Only this endpoint, if it receives the event type; by default the original endpoints.',
      ),
    dead_only: z.boolean().default(false).describe('Only deliveries that were given up.'),
  })
  .check(({ value, issues }) => {
    const complain = (field: string, message: string) =>
      issues.push({ code: 'custom', path: [field], message, input: value });
    if ((value.event_id === undefined) === (value.since === undefined)) {
      complain('event_id', 'give either event_id or since');
    } else if (value.since !== undefined && value.endpoint_id === undefined) {
      complain('endpoint_id', 'since requires endpoint_id');
    }
  });

/** Delivers events again. */
export const postWebhookReplay = defineRoute(
  {
    method: 'post',
    path: '/api/v1/webhook-replays',
    operationId: 'postWebhookReplay',
    tag: 'Webhooks',
    summary: 'Deliver events again',
    description:
      'Deliveries keep their webhook-id and get a full set of attempts. GET /api/v1/webhook-attempts shows ' +
      'the results. Disabled endpoints receive nothing.',
    scopes: ['operator'],
    rateLimited: true,
    body: replayRequest,
    bodyExamples: {
      'One event': { event_id: '3f2504e0-4f89-41d3-9a0c-0305e82c3301' },
      'Deliveries that were given up': {
        since: '2026-06-01T00:00:00Z',
        endpoint_id: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
        dead_only: true,
      },
    },
    responses: {
      202: {
        description: 'The deliveries are pending',
        schema: z.object({ deliveries: z.int().describe('One per event and endpoint.') }),
      },
    },
    problems: ['not-found'],
  },
  async ({ body }, { db }) => {
    await requireKnown(db, 'webhook endpoint', body.endpoint_id);
    await requireKnown(db, 'webhook event', body.event_id);
    const deliveries = await replayEvents(db, {
      endpointId: body.endpoint_id ?? null,
      eventId: body.event_id ?? null,
      since: body.since?.stored ?? null,
      deadOnly: body.dead_only,
    });
    return reply(202, { deliveries });
  },
);
