import { z } from 'zod';
import { columnArray } from './column-arrays.ts';
import type { Queryable } from './pool.ts';
import { sql } from './sql.ts';
import {
  LLM_RESOURCE_KIND,
  storedHashes,
  type LlmEventRow,
  type MeteredRecordRow,
} from './usage-ledger.ts';

/**
 * The usage ledger's short way in (ADR 15): one statement, which is a transaction of its own, looks
 * for the ids that are stored, locks the open buckets, inserts the events, and adds them up. It takes
 * what needs nothing but an open bucket that exists; the rest is for `usage-ledger.ts`.
 *
 * The buckets' locks are what the ledger rests on. `FOR NO KEY UPDATE` waits for whoever holds a
 * bucket and looks at it again: one that was sealed meanwhile drops out, and one that is locked can't
 * be sealed until the events are committed. The order is everybody's: buckets sorted, all of them
 * before the first event, events in the order of their ids.
 */

/** What became of rows. One in neither is stored now. */
export interface Appended {
  /** Content hashes, in hex, of the ids that were stored before. */
  readonly known: ReadonlyMap<string, string>;
  /** Ids of which nothing was stored: there is no open bucket yet, or somebody was quicker. */
  readonly missed: ReadonlySet<string>;
}

/** An event that looks for its bucket. */
export type LlmAppend = Omit<LlmEventRow, 'bucketId'>;
/** A record that looks for its bucket, and is no correction. */
export type MeteredAppend = Omit<MeteredRecordRow, 'bucketId' | 'addedQty' | 'replaces'>;

const outcome = z.object({
  knownIds: z.array(z.string()),
  knownHashes: z.array(z.string()),
  missed: z.array(z.string()),
});

/**
 * @param ids all that are to be looked for, those of the events among them
 * @param events each id once
 */
export async function appendLlmRows(
  db: Queryable,
  ids: readonly string[],
  events: readonly LlmAppend[],
): Promise<Appended> {
  const column = (read: (event: LlmAppend) => string | number | null) =>
    columnArray(events.map(read));
  return toAppended(
    await db.one(sql.type(outcome)`
    /* planned each time */ WITH sent AS MATERIALIZED (
      SELECT * FROM unnest(
        ${column((e) => e.id)}::text[], ${column((e) => e.tenantId)}::text[],
        ${column((e) => e.deploymentId)}::text[], ${column((e) => e.model)}::text[],
        ${column((e) => e.occurredAt)}::timestamptz[], ${column((e) => e.serviceMonth)}::date[],
        ${column((e) => e.chargeCents)}::numeric[], ${column((e) => e.currency)}::text[],
        ${column((e) => e.inputTokens)}::bigint[], ${column((e) => e.outputTokens)}::bigint[],
        ${column((e) => e.contentHash)}::text[]
      ) AS e (id, tenant_id, deployment_id, model, occurred_at, service_month, charge_cents, currency,
        input_tokens, output_tokens, content_hash)
    ), known AS MATERIALIZED (
      ${storedHashes('llm', ids)}
    ), fresh AS MATERIALIZED (
      SELECT * FROM sent WHERE NOT EXISTS (SELECT FROM known WHERE known.id = sent.id)
    ), locked AS MATERIALIZED (
      SELECT k.deployment_id, k.service_month, b.bucket_id
      FROM (
        SELECT DISTINCT deployment_id, service_month FROM fresh
        ORDER BY deployment_id, service_month
      ) k
      CROSS JOIN LATERAL (
        SELECT bucket_id FROM usage_buckets
        WHERE source = 'llm' AND deployment_id = k.deployment_id
          AND resource_kind = ${LLM_RESOURCE_KIND} AND service_month = k.service_month
          AND sealed_for IS NULL
        FOR NO KEY UPDATE
      ) b
    ), arrived AS (
      INSERT INTO llm_usage_events (gateway_request_id, tenant_id, deployment_id, model, occurred_at,
        service_month, charge_cents, currency, input_tokens, output_tokens, content_hash, bucket_id)
      SELECT f.id, f.tenant_id, f.deployment_id, f.model, f.occurred_at, f.service_month,
        f.charge_cents, f.currency, f.input_tokens, f.output_tokens, decode(f.content_hash, 'hex'),
        l.bucket_id
      FROM fresh f JOIN locked l USING (deployment_id, service_month)
      -- To count them, it locks them all: before the first event.
      WHERE (SELECT count(*) FROM locked) > 0
      ORDER BY f.id
      ON CONFLICT (gateway_request_id) DO NOTHING
      RETURNING gateway_request_id AS id, bucket_id, charge_cents AS amount
    ), ${ADDED}
    ${OUTCOME}
  `),
  );
}

/**
 * @param ids all that are to be looked for, those of the records among them
 * @param records each id once
 */
export async function appendMeteredRows(
  db: Queryable,
  ids: readonly string[],
  records: readonly MeteredAppend[],
): Promise<Appended> {
  const column = (read: (record: MeteredAppend) => string | number | null) =>
    columnArray(records.map(read));
  return toAppended(
    await db.one(sql.type(outcome)`
    /* planned each time */ WITH sent AS MATERIALIZED (
      SELECT * FROM unnest(
        ${column((r) => r.id)}::text[], ${column((r) => r.tenantId)}::text[],
        ${column((r) => r.deploymentId)}::text[], ${column((r) => r.resourceKind)}::text[],
        ${column((r) => r.occurredAt)}::timestamptz[], ${column((r) => r.serviceMonth)}::date[],
        ${column((r) => r.qty)}::numeric[], ${column((r) => r.contentHash)}::text[]
      ) AS r (id, tenant_id, deployment_id, resource_kind, occurred_at, service_month, qty,
        content_hash)
    ), known AS MATERIALIZED (
      ${storedHashes('metered', ids)}
    ), fresh AS MATERIALIZED (
      SELECT * FROM sent WHERE NOT EXISTS (SELECT FROM known WHERE known.id = sent.id)
    ), locked AS MATERIALIZED (
      SELECT k.deployment_id, k.resource_kind, k.service_month, b.bucket_id
      FROM (
        SELECT DISTINCT deployment_id, resource_kind, service_month FROM fresh
        ORDER BY deployment_id, resource_kind, service_month
      ) k
      CROSS JOIN LATERAL (
        SELECT bucket_id FROM usage_buckets
        WHERE source = 'metered' AND deployment_id = k.deployment_id
          AND resource_kind = k.resource_kind AND service_month = k.service_month
          AND sealed_for IS NULL
        FOR NO KEY UPDATE
      ) b
    ), arrived AS (
      INSERT INTO metered_usage_records (record_id, tenant_id, deployment_id, resource_kind,
        occurred_at, service_month, qty, added_qty, content_hash, bucket_id)
      SELECT f.id, f.tenant_id, f.deployment_id, f.resource_kind, f.occurred_at, f.service_month,
        f.qty, f.qty, decode(f.content_hash, 'hex'), l.bucket_id
      FROM fresh f JOIN locked l USING (deployment_id, resource_kind, service_month)
      -- To count them, it locks them all: before the first record.
      WHERE (SELECT count(*) FROM locked) > 0
      ORDER BY f.id
      ON CONFLICT (record_id) DO NOTHING
      RETURNING record_id AS id, bucket_id, added_qty AS amount
    ), ${ADDED}
    ${OUTCOME}
  `),
  );
}

const ADDED = sql.fragment`added AS (
  UPDATE usage_buckets b
  SET event_count = b.event_count + sums.events, total = b.total + sums.total
  FROM (
    SELECT bucket_id, count(*) AS events, sum(amount) AS total FROM arrived GROUP BY bucket_id
  ) sums
  WHERE b.bucket_id = sums.bucket_id
)`;

const OUTCOME = sql.fragment`SELECT
  ARRAY(SELECT id FROM known ORDER BY id) AS "knownIds",
  ARRAY(SELECT encode(content_hash, 'hex') FROM known ORDER BY id) AS "knownHashes",
  ARRAY(
    SELECT id FROM fresh WHERE NOT EXISTS (SELECT FROM arrived WHERE arrived.id = fresh.id)
  ) AS missed`;

function toAppended({ knownIds, knownHashes, missed }: z.infer<typeof outcome>): Appended {
  return {
    known: new Map(knownIds.map((id, index) => [id, knownHashes[index] ?? ''])),
    missed: new Set(missed),
  };
}
