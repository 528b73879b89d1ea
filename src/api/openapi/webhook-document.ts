import { z } from 'zod';
import type { RouteConfig } from '@asteasolutions/zod-to-openapi';
import { WEBHOOK_EVENT_TYPES, type WebhookEventType } from '../../contracts/webhook-types.ts';
import { EXAMPLE_ID } from './example.ts';
import { WEBHOOK_EVENTS, webhookBody } from './webhook-events.ts';

const headers = z.object({
  'webhook-id': z
    .uuid()
    .meta({ example: EXAMPLE_ID })
    .describe('Id of the event; the same in every attempt.'),
  'webhook-timestamp': z
    .string()
    .meta({ example: '1780293600' })
    .describe('Time of the attempt, in seconds since 1970.'),
  'webhook-signature': z
    .string()
    .meta({ example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=' })
    .describe('One or more signatures, separated by spaces; one valid signature is enough.'),
});

/** Returns the requests that endpoints receive, for the document's `webhooks`. */
export function webhookOperations(): readonly RouteConfig[] {
  return WEBHOOK_EVENT_TYPES.map((type) => ({
    method: 'post',
    path: type,
    operationId: `on${type.replace(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: ['Webhooks'],
    summary: WEBHOOK_EVENTS[type].summary,
    description:
      `${WEBHOOK_EVENTS[type].description}\n\nSigned according to Standard Webhooks. Delivered at least ` +
      'once, in any order, until your endpoint responds with 2xx.',
    security: [],
    request: {
      headers,
      body: {
        required: true,
        content: { 'application/json': { schema: nameBody(type) } },
      },
    },
    responses: {
      204: { description: 'Any 2xx: the event counts as delivered.' },
      410: { description: 'The endpoint is disabled permanently.' },
      '4XX': { description: 'Any other status: delivery is retried later.' },
    },
  }));
}

/** Names the body in the document, and so in the typed client: `InvoiceIssuedEvent`. */
function nameBody(type: WebhookEventType): z.ZodObject {
  const name = type.replace(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase());
  return webhookBody(type).meta({ id: `${name}Event` });
}
