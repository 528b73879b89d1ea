import { z } from 'zod';
import type { RouteConfig } from '@asteasolutions/zod-to-openapi';
import { WEBHOOK_EVENT_TYPES, type WebhookEventType } from '../../contracts/webhook-types.ts';
import { EXAMPLE_ID } from './example.ts';
import { WEBHOOK_EVENTS, webhookBody } from './webhook-events.ts';

const headers = z.object({
  'webhook-id': z
    .uuid()
    .meta({ example: EXAMPLE_ID })
    .describe('Of the event: the same each time.'),
  'webhook-timestamp': z
    .string()
    .meta({ example: '1780293600' })
    .describe('Of the attempt, in seconds since 1970.'),
  'webhook-signature': z
    .string()
    .meta({ example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=' })
    .describe('One or more, with blanks between them: any that is right will do.'),
});

/** The requests that receivers get, as the document's `webhooks` have them. */
export function webhookOperations(): readonly RouteConfig[] {
  return WEBHOOK_EVENT_TYPES.map((type) => ({
    method: 'post',
    path: type,
    operationId: `on${type.replace(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: ['Webhooks'],
    summary: WEBHOOK_EVENTS[type].summary,
    description:
      `${WEBHOOK_EVENTS[type].description}\n\nSigned as Standard Webhooks says. Sent at least once, ` +
      'in no promised order, until it is answered with 2xx.',
    security: [],
    request: {
      headers,
      body: {
        required: true,
        content: { 'application/json': { schema: nameBody(type) } },
      },
    },
    responses: {
      204: { description: 'Any 2xx: it is not sent again.' },
      410: { description: 'Nothing is sent to this endpoint any more, for good.' },
      '4XX': { description: 'Anything else: it is sent again later.' },
    },
  }));
}

/** The name by which the document, and so the typed client, knows it: `InvoiceIssuedEvent`. */
function nameBody(type: WebhookEventType): z.ZodObject {
  const name = type.replace(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase());
  return webhookBody(type).meta({ id: `${name}Event` });
}
