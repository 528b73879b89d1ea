import { z } from 'zod';
import { WEBHOOK_EVENT_TYPES, type WebhookEventType } from '../../contracts/webhook-types.ts';
import type { Database, Queryable, Transaction } from '../pool.ts';
import { sql, textArray } from '../sql.ts';

/** A webhook endpoint, as the API serves it. */
export const webhookEndpointSchema = z.object({
  endpoint_id: z.uuid(),
  url: z.string().meta({ example: 'https://billing.example.com/hooks' }),
  label: z.string().nullable(),
  event_types: z.array(z.enum(WEBHOOK_EVENT_TYPES)),
  created_at: z.iso.datetime(),
  disabled_at: z.iso.datetime().nullable(),
  disabled_reason: z.string().nullable().meta({ example: null }),
  secrets: z
    .array(
      z.object({
        secret_id: z.uuid(),
        created_at: z.iso.datetime(),
        expires_at: z.iso.datetime().nullable(),
      }),
    )
    .describe('The live ones, the newest first. Every attempt is signed with each of them.'),
  pending: z.int().describe('Events that are still to be delivered.'),
  dead: z.int().describe('Events that were given up. Replay them once the receiver is fixed.'),
  delivered_attempts: z.int(),
  failed_attempts: z.int(),
});
export type WebhookEndpoint = z.infer<typeof webhookEndpointSchema>;

export interface NewWebhookEndpoint {
  /** In the form that `checkWebhookUrl` returns. */
  readonly url: string;
  readonly label: string | null;
  readonly eventTypes: readonly WebhookEventType[];
}

const created = z.object({ endpointId: z.string() });
const secret = z.object({ secretId: z.string() });

/**
 * Registers an endpoint.
 * @returns its id and the id of its secret, from which the secret's text is derived
 */
export function createWebhookEndpoint(
  db: Database,
  { url, label, eventTypes }: NewWebhookEndpoint,
): Promise<{ readonly endpointId: string; readonly secretId: string }> {
  return db.transaction(async (tx) => {
    const { endpointId } = await tx.one(sql.type(created)`
      INSERT INTO webhook_endpoints (url, label, event_types)
      VALUES (${url}, ${label}, ${textArray([...new Set(eventTypes)])})
      RETURNING endpoint_id AS "endpointId"
    `);
    return { endpointId, secretId: await insertSecret(tx, endpointId) };
  });
}

async function insertSecret(tx: Transaction, endpointId: string): Promise<string> {
  const { secretId } = await tx.one(sql.type(secret)`
    INSERT INTO webhook_secrets (endpoint_id) VALUES (${endpointId})
    RETURNING secret_id AS "secretId"
  `);
  return secretId;
}

const IS_LIVE_SECRET = sql.fragment`(s.expires_at IS NULL OR s.expires_at > now())`;

/** Returns all endpoints, or one, oldest first, including disabled ones. */
export function listWebhookEndpoints(
  db: Queryable,
  endpointId: string | null = null,
): Promise<readonly WebhookEndpoint[]> {
  return db.any(sql.type(webhookEndpointSchema)`
    SELECT e.endpoint_id, e.url, e.label, e.event_types, e.created_at, e.disabled_at,
      e.disabled_reason, e.delivered_attempts, e.failed_attempts,
      coalesce((
        SELECT jsonb_agg(jsonb_build_object('secret_id', s.secret_id,
          'created_at', ${asInstant(sql.fragment`s.created_at`)},
          'expires_at', ${asInstant(sql.fragment`s.expires_at`)}) ORDER BY s.created_at DESC)
        FROM webhook_secrets s WHERE s.endpoint_id = e.endpoint_id AND ${IS_LIVE_SECRET}
      ), '[]') AS secrets,
      (SELECT count(*) FROM webhook_deliveries d
        WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending') AS pending,
      (SELECT count(*) FROM webhook_deliveries d
        WHERE d.endpoint_id = e.endpoint_id AND d.state = 'dead') AS dead
    FROM webhook_endpoints e
    WHERE ${endpointId}::uuid IS NULL OR e.endpoint_id = ${endpointId}::uuid
    ORDER BY e.created_at, e.endpoint_id
  `);
}

/** Formats a timestamptz inside JSON the way the driver returns one outside JSON. */
function asInstant(column: ReturnType<typeof sql.fragment>) {
  return sql.fragment`to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

const locked = z.object({ isLive: z.boolean() });

/** The reason recorded when an endpoint's own response disables it. */
export const GONE_REASON = 'the receiver answered 410 Gone';

/**
 * Disables an endpoint permanently and marks its pending deliveries dead. Waits for transactions in progress
 * and includes their deliveries. Repeating it is safe.
 * @returns false if the endpoint doesn't exist; one that was already disabled keeps its first reason
 */
export async function disableWebhookEndpoint(
  db: Database,
  endpointId: string,
  reason: string,
): Promise<boolean> {
  // Committed first, so that later statements see it. Otherwise the wait might never end.
  const { rowCount } = await db.query(sql.typeAlias('nothing')`
    UPDATE webhook_endpoints
    SET disabled_at = coalesce(disabled_at, now()),
      disabled_reason = coalesce(disabled_reason, ${reason})
    WHERE endpoint_id = ${endpointId}
  `);
  await giveUpDeliveries(db, endpointId);
  return rowCount > 0;
}

/** Marks the pending deliveries of a disabled endpoint dead. Safe to call at any time. */
export async function giveUpDeliveries(db: Database, endpointId: string): Promise<void> {
  // Waits for transactions that wrote deliveries while the endpoint was live: a trigger makes them lock its
  // row. This statement's lock isn't kept, because attempts lock deliveries first and then this row.
  await db.query(sql.typeAlias('nothing')`
    SELECT FROM webhook_endpoints WHERE endpoint_id = ${endpointId} FOR UPDATE
  `);
  await db.query(sql.typeAlias('nothing')`
    UPDATE webhook_deliveries d SET state = 'dead', next_attempt_at = NULL, settled_at = now()
    FROM webhook_endpoints e
    WHERE e.endpoint_id = ${endpointId} AND e.disabled_at IS NOT NULL
      AND d.endpoint_id = e.endpoint_id AND d.state = 'pending'
  `);
}

export type RotatedSecret =
  | { readonly outcome: 'unknown' | 'disabled' }
  | {
      readonly outcome: 'rotated';
      readonly secretId: string;
      /** Until this instant, attempts are signed with the former secret too. */
      readonly formerUntil: string;
    };

/**
 * Gives an endpoint a new secret. The current secret works until the overlap ends; one that was already being
 * replaced expires now, so at most two are live.
 */
export function rotateWebhookSecret(
  db: Database,
  endpointId: string,
  overlapSeconds: number,
): Promise<RotatedSecret> {
  return db.transaction(async (tx) => {
    // The lock serializes rotations.
    const endpoint = await tx.maybeOne(sql.type(locked)`
      SELECT disabled_at IS NULL AS "isLive" FROM webhook_endpoints
      WHERE endpoint_id = ${endpointId} FOR NO KEY UPDATE
    `);
    if (endpoint === null) return { outcome: 'unknown' };
    if (!endpoint.isLive) return { outcome: 'disabled' };
    const formerUntil = await tx.oneFirst(sql.type(z.object({ until: z.string() }))`
      SELECT now() + make_interval(secs => ${overlapSeconds}) AS until
    `);
    await tx.query(sql.typeAlias('nothing')`
      UPDATE webhook_secrets s
      SET expires_at = CASE WHEN s.expires_at IS NULL THEN ${formerUntil}::timestamptz ELSE now() END
      WHERE s.endpoint_id = ${endpointId} AND ${IS_LIVE_SECRET}
    `);
    return { outcome: 'rotated', secretId: await insertSecret(tx, endpointId), formerUntil };
  });
}

const receiver = z.object({ url: z.string(), secretIds: z.array(z.string()) });

/**
 * Returns an endpoint's URL and the ids of its live secrets, newest first; null if it is disabled or doesn't
 * exist.
 */
export function readReceiver(
  db: Queryable,
  endpointId: string,
): Promise<z.infer<typeof receiver> | null> {
  return db.maybeOne(sql.type(receiver)`
    SELECT e.url, ARRAY(
      SELECT s.secret_id::text FROM webhook_secrets s
      WHERE s.endpoint_id = e.endpoint_id AND ${IS_LIVE_SECRET} ORDER BY s.created_at DESC
    ) AS "secretIds"
    FROM webhook_endpoints e WHERE e.endpoint_id = ${endpointId} AND e.disabled_at IS NULL
  `);
}
