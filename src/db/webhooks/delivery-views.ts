import { z } from 'zod';
import { type Page, allOf, sql } from '../sql.ts';
import type { Queryable } from '../pool.ts';

/** Reads events and their deliveries for the operator pages. */

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

const webhookEvent = z.object({
  eventId: z.string(),
  type: z.string(),
  tenantId: z.string().nullable(),
  occurredAt: z.string(),
  data: z.record(z.string(), z.unknown()),
});
export type WebhookEvent = z.infer<typeof webhookEvent>;

/** Returns an event with the data that is sent; null if it doesn't exist. */
export function showWebhookEvent(db: Queryable, eventId: string): Promise<WebhookEvent | null> {
  return db.maybeOne(sql.type(webhookEvent)`
    SELECT event_id AS "eventId", type, tenant_id AS "tenantId", occurred_at AS "occurredAt", data
    FROM webhook_events WHERE event_id = ${eventId}::uuid
  `);
}

const listedDelivery = webhookEvent.omit({ data: true }).extend({
  endpointId: z.string(),
  url: z.string(),
  label: z.string().nullable(),
  isDisabled: z.boolean(),
  state: z.enum(DELIVERY_STATES),
  /** Number of attempts started since the event or its last replay. */
  attempts: z.number(),
  nextAttemptAt: z.string().nullable(),
  /** Of the last attempt; null before the first one has ended. */
  attemptedAt: z.string().nullable(),
  /** HTTP status of its response; null without a response. */
  status: z.number().nullable(),
  error: z.string().nullable(),
});
export type ListedDelivery = z.infer<typeof listedDelivery>;

export interface DeliveryFilter {
  readonly eventId?: string | undefined;
  readonly endpointId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly type?: string | undefined;
  readonly state?: DeliveryState | undefined;
}

/** The last delivery of a page. */
export type DeliveryCursor = Pick<ListedDelivery, 'occurredAt' | 'eventId' | 'endpointId'>;

/** Returns a page of deliveries, one per event and endpoint, latest event first. */
export function listDeliveries(
  db: Queryable,
  { eventId, endpointId, tenantId, type, state }: DeliveryFilter,
  { after, limit }: Page<DeliveryCursor>,
): Promise<readonly ListedDelivery[]> {
  // The page first: the last attempt is looked up for its deliveries alone.
  return db.any(sql.type(listedDelivery)`
    SELECT page.*, last.attempted_at AS "attemptedAt", last.status, last.error
    FROM (
      SELECT v.event_id AS "eventId", v.type, v.tenant_id AS "tenantId", v.occurred_at AS "occurredAt",
        e.endpoint_id AS "endpointId", e.url, e.label, e.disabled_at IS NOT NULL AS "isDisabled",
        d.state, d.attempts, d.next_attempt_at AS "nextAttemptAt"
      FROM webhook_events v
      JOIN webhook_deliveries d USING (event_id)
      JOIN webhook_endpoints e USING (endpoint_id)
      WHERE ${allOf([
        eventId !== undefined && sql.fragment`v.event_id = ${eventId}::uuid`,
        endpointId !== undefined && sql.fragment`d.endpoint_id = ${endpointId}::uuid`,
        tenantId !== undefined && sql.fragment`v.tenant_id = ${tenantId}`,
        type !== undefined && sql.fragment`v.type = ${type}`,
        state !== undefined && sql.fragment`d.state = ${state}`,
        // The first condition alone can use an index.
        after !== null &&
          sql.fragment`v.occurred_at <= ${after.occurredAt}::timestamptz
            AND (v.occurred_at, v.event_id, d.endpoint_id)
              < (${after.occurredAt}::timestamptz, ${after.eventId}::uuid, ${after.endpointId}::uuid)`,
      ])}
      ORDER BY v.occurred_at DESC, v.event_id DESC, d.endpoint_id DESC LIMIT ${limit}
    ) page
    LEFT JOIN LATERAL (
      SELECT a.attempted_at, a.status, a.error FROM webhook_attempts a
      WHERE a.event_id = page."eventId" AND a.endpoint_id = page."endpointId"
      ORDER BY a.attempt_id DESC LIMIT 1
    ) last ON true
    ORDER BY page."occurredAt" DESC, page."eventId" DESC, page."endpointId" DESC
  `);
}
