import { z } from 'zod';
import type { Database, Queryable } from '../pool.ts';
import { jsonRows, sql } from '../sql.ts';
import { GONE_REASON } from './webhook-endpoints.ts';

const claimed = z.object({
  eventId: z.string(),
  type: z.string(),
  occurredAt: z.string(),
  data: z.record(z.string(), z.unknown()),
  /** Counted from 1. */
  attempt: z.number(),
});
/** An event to send now. No other process sends it until the lease ends. */
export type ClaimedDelivery = z.infer<typeof claimed>;

/**
 * Claims due deliveries, longest overdue first. The caller has `leaseSeconds` to record the attempts. After
 * that the deliveries are due again, in case the process died.
 */
export function claimDeliveries(
  db: Queryable,
  endpointId: string,
  { limit, leaseSeconds }: { readonly limit: number; readonly leaseSeconds: number },
): Promise<readonly ClaimedDelivery[]> {
  return db.any(sql.type(claimed)`
    WITH due AS (
      SELECT event_id FROM webhook_deliveries
      WHERE endpoint_id = ${endpointId} AND state = 'pending' AND next_attempt_at <= now()
      ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ), claimed AS (
      UPDATE webhook_deliveries d
      SET attempts = d.attempts + 1, next_attempt_at = now() + make_interval(secs => ${leaseSeconds})
      FROM due WHERE d.event_id = due.event_id AND d.endpoint_id = ${endpointId}
      RETURNING d.event_id, d.attempts
    )
    SELECT e.event_id AS "eventId", e.type, e.occurred_at AS "occurredAt", e.data,
      claimed.attempts AS attempt
    FROM claimed JOIN webhook_events e USING (event_id)
    ORDER BY e.occurred_at, e.event_id
  `);
}

/** The result of an attempt. */
export interface WebhookAttempt {
  readonly eventId: string;
  readonly attempt: number;
  /** UTC instant. */
  readonly attemptedAt: string;
  readonly durationMs: number;
  readonly outcome: 'delivered' | 'failed';
  /** HTTP status of the response; null without a response. */
  readonly status: number | null;
  readonly error: string | null;
  readonly response: string | null;
  /** Milliseconds until the next attempt; null if there won't be one. */
  readonly retryInMs: number | null;
}

/**
 * Logs attempts, and settles their deliveries or schedules the next attempt. If an attempt's lease ended and
 * another attempt began, it is still logged, but it settles the delivery only if it succeeded.
 */
export async function recordAttempts(
  db: Database,
  endpointId: string,
  attempts: readonly WebhookAttempt[],
): Promise<void> {
  if (attempts.length === 0) return;
  const delivered = attempts.filter(({ outcome }) => outcome === 'delivered').length;
  await db.query(sql.typeAlias('nothing')`
    WITH a AS MATERIALIZED (
      SELECT * FROM json_to_recordset(${jsonRows(attempts)}) AS a ("eventId" uuid, attempt int,
        "attemptedAt" timestamptz, "durationMs" int, outcome text, status int, error text,
        response text, "retryInMs" bigint)
    ), logged AS (
      INSERT INTO webhook_attempts (event_id, endpoint_id, attempt, attempted_at, duration_ms,
        outcome, status, error, response)
      SELECT a."eventId", ${endpointId}, a.attempt, a."attemptedAt", a."durationMs", a.outcome,
        a.status, a.error, a.response
      -- Old events may have been deleted concurrently.
      FROM a JOIN webhook_deliveries d ON d.event_id = a."eventId" AND d.endpoint_id = ${endpointId}
    ), counted AS (
      UPDATE webhook_endpoints SET delivered_attempts = delivered_attempts + ${delivered},
        failed_attempts = failed_attempts + ${attempts.length - delivered}
      WHERE endpoint_id = ${endpointId}
    )
    UPDATE webhook_deliveries d
    SET state = CASE WHEN a.outcome = 'delivered' THEN 'delivered'
        WHEN a."retryInMs" IS NULL THEN 'dead' ELSE 'pending' END,
      next_attempt_at = CASE WHEN a.outcome = 'failed'
        THEN now() + a."retryInMs" * interval '1 millisecond' END,
      settled_at = CASE WHEN a.outcome = 'delivered' OR a."retryInMs" IS NULL THEN now() END
    FROM a
    WHERE d.event_id = a."eventId" AND d.endpoint_id = ${endpointId} AND d.state = 'pending'
      AND (d.attempts = a.attempt OR a.outcome = 'delivered')
  `);
}

const next = z.object({ nextInMs: z.number().nullable() });

/**
 * Returns the milliseconds until an endpoint's next attempt is due; null if nothing is pending or the endpoint
 * is disabled.
 */
export async function nextAttemptInMs(db: Queryable, endpointId: string): Promise<number | null> {
  const { nextInMs } = await db.one(sql.type(next)`
    SELECT ceil(extract(epoch FROM min(d.next_attempt_at) - now()) * 1000)::bigint AS "nextInMs"
    FROM webhook_deliveries d JOIN webhook_endpoints e USING (endpoint_id)
    WHERE d.endpoint_id = ${endpointId} AND d.state = 'pending' AND e.disabled_at IS NULL
  `);
  return nextInMs === null ? null : Math.max(0, nextInMs);
}

const dueEndpoint = z.object({ endpointId: z.string(), url: z.string() });
export type DueEndpoint = z.infer<typeof dueEndpoint>;

/**
 * Returns endpoints with due deliveries, including disabled endpoints, whose deliveries are to be marked dead.
 */
export function listDueEndpoints(db: Queryable): Promise<readonly DueEndpoint[]> {
  return db.any(sql.type(dueEndpoint)`
    SELECT e.endpoint_id AS "endpointId", e.url FROM webhook_endpoints e
    WHERE EXISTS (
      SELECT FROM webhook_deliveries d
      WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending' AND d.next_attempt_at <= now()
    )
    ORDER BY e.endpoint_id
  `);
}

/** Returns the number of deliveries of a tenant's events that were given up. */
export function countDeadDeliveries(db: Queryable, tenantId: string): Promise<number> {
  return db.oneFirst(sql.type(z.object({ dead: z.number() }))`
    SELECT count(*) AS dead FROM webhook_events v JOIN webhook_deliveries d USING (event_id)
    WHERE v.tenant_id = ${tenantId} AND d.state = 'dead'
  `);
}

/**
 * Deletes events older than `before` whose deliveries are all delivered or dead, with their deliveries and
 * attempts.
 * @returns the number of deleted events
 */
export async function pruneEvents(db: Database, before: Date): Promise<number> {
  const { rowCount } = await db.query(sql.typeAlias('nothing')`
    DELETE FROM webhook_events v
    WHERE v.occurred_at < ${before.toISOString()} AND NOT EXISTS (
      SELECT FROM webhook_deliveries d WHERE d.event_id = v.event_id AND d.state = 'pending'
    )
  `);
  return rowCount;
}

const gauges = z.object({
  endpointId: z.string(),
  pending: z.number(),
  dead: z.number(),
  /** Age of the oldest pending event; 0 without one. */
  oldestPendingSeconds: z.number(),
  /** How long the most overdue attempt has been waiting; 0 without one. */
  overdueSeconds: z.number(),
  deliveredAttempts: z.number(),
  failedAttempts: z.number(),
});
const gone = z.object({ goneEndpoints: z.number() });

/**
 * Returns metrics of each live endpoint, and the number of endpoints that were disabled because they answered
 * 410 Gone.
 */
export async function readWebhookGauges(db: Queryable): Promise<{
  readonly endpoints: readonly z.infer<typeof gauges>[];
  readonly goneEndpoints: number;
}> {
  const { goneEndpoints } = await db.one(sql.type(gone)`
    SELECT count(*) AS "goneEndpoints" FROM webhook_endpoints WHERE disabled_reason = ${GONE_REASON}
  `);
  const endpoints = await db.any(sql.type(gauges)`
    SELECT e.endpoint_id AS "endpointId", pending.count AS pending,
      coalesce(extract(epoch FROM now() - pending.oldest), 0)::float8 AS "oldestPendingSeconds",
      greatest(extract(epoch FROM now() - pending.due), 0)::float8 AS "overdueSeconds",
      (SELECT count(*) FROM webhook_deliveries d
        WHERE d.endpoint_id = e.endpoint_id AND d.state = 'dead') AS dead,
      e.delivered_attempts AS "deliveredAttempts", e.failed_attempts AS "failedAttempts"
    FROM webhook_endpoints e
    CROSS JOIN LATERAL (
      SELECT count(*) AS count, min(v.occurred_at) AS oldest, min(d.next_attempt_at) AS due
      FROM webhook_deliveries d JOIN webhook_events v USING (event_id)
      WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending'
    ) pending
    WHERE e.disabled_at IS NULL ORDER BY e.endpoint_id
  `);
  return { endpoints, goneEndpoints };
}
