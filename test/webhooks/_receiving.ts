import { z } from 'zod';
import { WEBHOOK_EVENT_TYPES, type WebhookEventType } from '../../src/contracts/webhook-types.ts';
import type { Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { listWebhookAttempts } from '../../src/db/webhooks/webhook-attempts.ts';
import { createWebhookEndpoint } from '../../src/db/webhooks/webhook-endpoints.ts';

/** Registers a receiver, by default for all events. */
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

/** The outbox by type and tenant, with the number of endpoints per event. */
export function outboxOf(db: Database) {
  return db.any(sql.type(outboxEvent)`
    SELECT v.event_id AS "eventId", v.type, v.tenant_id AS "tenantId", v.data,
      (SELECT count(*) FROM webhook_deliveries d WHERE d.event_id = v.event_id) AS endpoints
    FROM webhook_events v ORDER BY v.type, v.tenant_id, v.occurred_at, v.event_id
  `);
}

/** Puts an event into the outbox for an endpoint, as the transactions of the month end do. @returns its id */
export async function putEvent(
  db: Database,
  endpointId: string,
  data: Readonly<Record<string, unknown>> = { number: 'acme-000001' },
): Promise<string> {
  return db.oneFirst(sql.type(z.object({ id: z.string() }))`
    WITH told AS (
      INSERT INTO webhook_events (type, tenant_id, data)
      VALUES ('invoice.issued', NULL, ${JSON.stringify(data)}::jsonb) RETURNING event_id
    )
    INSERT INTO webhook_deliveries (event_id, endpoint_id)
    SELECT event_id, ${endpointId} FROM told RETURNING event_id AS id
  `);
}

const delivery = z.object({
  eventId: z.string(),
  state: z.string(),
  attempts: z.number(),
});

/** An endpoint's deliveries, in the order of their events. */
export function deliveriesOf(db: Database, endpointId: string) {
  return db.any(sql.type(delivery)`
    SELECT d.event_id AS "eventId", d.state, d.attempts
    FROM webhook_deliveries d JOIN webhook_events v USING (event_id)
    WHERE d.endpoint_id = ${endpointId} ORDER BY v.occurred_at, v.event_id
  `);
}

/** The log of an endpoint, earliest first. */
export async function logOf(db: Database, endpointId: string) {
  const log = await listWebhookAttempts(db, { endpointId }, { after: null, limit: 1000 });
  return log.toReversed();
}
