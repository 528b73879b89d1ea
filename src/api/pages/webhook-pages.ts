import { z } from 'zod';
import { WEBHOOK_EVENT_TYPES } from '../../contracts/webhook-types.ts';
import {
  DELIVERY_STATES,
  listDeliveries,
  showWebhookEvent,
  type ListedDelivery,
} from '../../db/webhooks/delivery-views.ts';
import { listWebhookAttempts } from '../../db/webhooks/webhook-attempts.ts';
import { listWebhookEndpoints } from '../../db/webhooks/webhook-endpoints.ts';
import { visibleId } from '../../ingestion/usage-fields.ts';
import { HttpProblem } from '../http/problems.ts';
import { cursorInstant, pagedBy } from '../http/paging.ts';
import { pageOfAttempts } from '../routes/webhook-delivery-routes.ts';
import { doneQuery } from './views/done-note.ts';
import { webhookEventPage } from './views/webhook-event-html.ts';
import { WEBHOOKS_PATH, webhooksPage } from './views/webhooks-html.ts';
import { nextHref, operatorPage, page, pageQuery } from './page-definition.ts';

const ROWS_A_PAGE = 50;

const readDeliveries = pagedBy(
  z.strictObject({ occurredAt: cursorInstant, eventId: z.uuid(), endpointId: z.uuid() }),
  ({ occurredAt, eventId, endpointId }: ListedDelivery) => ({ occurredAt, eventId, endpointId }),
);

/** Lists webhook endpoints, and the deliveries that the filter matches. */
export const webhooks = operatorPage(
  {
    path: WEBHOOKS_PATH,
    query: z.object({
      ...pageQuery,
      endpoint_id: z.uuid().optional(),
      tenant_id: visibleId(200).optional(),
      type: z.enum(WEBHOOK_EVENT_TYPES).optional(),
      state: z.enum(DELIVERY_STATES).optional(),
      ...doneQuery,
    }),
  },
  async ({ query, visitor, path }, { db }) => {
    const { endpoint_id: endpointId, tenant_id: tenantId, type, state, cursor } = query;
    const [endpoints, { entries, next_cursor }] = await Promise.all([
      listWebhookEndpoints(db),
      readDeliveries({ limit: ROWS_A_PAGE, cursor }, (asked) =>
        listDeliveries(db, { endpointId, tenantId, type, state }, asked),
      ),
    ]);
    return page(
      webhooksPage({
        visitor,
        endpoints,
        deliveries: entries,
        filter: {
          endpointId: endpointId ?? '',
          tenantId: tenantId ?? '',
          type: type ?? '',
          state: state ?? '',
        },
        nextHref: nextHref(path, next_cursor),
        done: query.done,
      }),
    );
  },
);

/** Shows an event with its deliveries and attempts. */
export const webhookEvent = operatorPage(
  {
    path: `${WEBHOOKS_PATH}/events/:event_id`,
    params: z.object({ event_id: z.uuid() }),
    query: z.object({ ...pageQuery, ...doneQuery }),
  },
  async ({ params: { event_id: eventId }, query, visitor, path }, { db }) => {
    const event = await showWebhookEvent(db, eventId);
    if (event === null) throw new HttpProblem('not-found', `there is no webhook event ${eventId}`);
    const [deliveries, { entries, next_cursor }] = await Promise.all([
      listDeliveries(db, { eventId }, { after: null, limit: MAX_ENDPOINTS }),
      pageOfAttempts({ limit: ROWS_A_PAGE, cursor: query.cursor }, (asked) =>
        listWebhookAttempts(db, { eventId }, asked),
      ),
    ]);
    return page(
      webhookEventPage({
        visitor,
        event,
        deliveries,
        attempts: entries,
        nextHref: nextHref(path, next_cursor),
        done: query.done,
      }),
    );
  },
);

/** Endpoints of an event on its page. */
const MAX_ENDPOINTS = 200;
