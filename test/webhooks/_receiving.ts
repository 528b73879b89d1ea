import { z } from 'zod';
import { WEBHOOK_EVENT_TYPES, type WebhookEventType } from '../../src/contracts/webhooks.ts';
import type { Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { createWebhookEndpoint } from '../../src/db/webhook-endpoints.ts';

/** Registers a receiver, by default of everything. */
export function register(
  db: Database,
  url = 'https://receiver.example/hooks',
  eventTypes: readonly WebhookEventType[] = WEBHOOK_EVENT_TYPES,
) {
  return createWebhookEndpoint(db, { url, label: null, eventTypes });
}

const outboxEvent = z.object({
  eventId: z.string(),
  type: z.string(),
  tenantId: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
  endpoints: z.number(),
});

/** What is in the outbox, in the order of types and tenants; how many endpoints each event is for. */
export function outboxOf(db: Database) {
  return db.any(sql.type(outboxEvent)`
    SELECT v.event_id AS "eventId", v.type, v.tenant_id AS "tenantId", v.data,
      (SELECT count(*) FROM webhook_deliveries d WHERE d.event_id = v.event_id) AS endpoints
    FROM webhook_events v ORDER BY v.type, v.tenant_id, v.occurred_at, v.event_id
  `);
}
