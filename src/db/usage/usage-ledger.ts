import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import { OTHER_MODELS } from '../../domain/llm-lines.ts';
import { columnArray, jsonRows, sql, textArray } from '../sql.ts';
import type { Queryable, Transaction } from '../pool.ts';

/**
 * The write side of the usage ledger (DESIGN "Usage ledger"). Month end seals open buckets concurrently, so
 * every transaction uses the same order: lock the open buckets ordered by id, open those that are missing, then insert
 * the events ordered by id, which adds them to their buckets.
 */

/** The kind of usage that a bucket sums. */
export type UsageSource = 'llm' | 'metered';

/** The resource kind of every LLM bucket. */
export const LLM_RESOURCE_KIND = 'llm_usage';

/** The models of a deployment and service month that have buckets of their own (ADR 35). */
export const MAX_MODELS = 200;

/** The key of a bucket, without its source. */
export interface BucketKey {
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly resourceKind: string;
  /** First day of the service month, `2026-05-01`. */
  readonly serviceMonth: string;
  /** The model of LLM usage; {@link OTHER_MODELS} for metered usage. */
  readonly model: string;
}

/** A locked, open bucket. */
export interface OpenBucket extends BucketKey {
  readonly bucketId: number;
}

/** A priced LLM request as stored. */
export interface LlmEventRow {
  readonly id: string;
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly model: string;
  /** UTC instant, to the microsecond. */
  readonly occurredAt: string;
  readonly serviceMonth: string;
  /** Decimal string. */
  readonly chargeCents: string;
  readonly currency: string;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** JSON text of an object, whose names are sorted; null: none. */
  readonly attributes: string | null;
  /** SHA-256, in hex, of the event's canonical content. */
  readonly contentHash: string;
  readonly bucketId: number;
}

/** A metered quantity as stored. */
export interface MeteredRecordRow {
  readonly id: string;
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly resourceKind: string;
  /** UTC instant, to the microsecond. */
  readonly occurredAt: string;
  readonly serviceMonth: string;
  /** Decimal string. */
  readonly qty: string;
  /**
   * The quantity added to its bucket. For a correction: `qty` less the replaced record's quantity, which may be
   * negative.
   */
  readonly addedQty: string;
  readonly replaces: string | null;
  /** SHA-256, in hex, of the event's canonical content. */
  readonly contentHash: string;
  readonly bucketId: number;
}

const deployment = z.object({
  deploymentId: z.string(),
  tenantId: z.string(),
  currency: z.string(),
});
/** A deployment, its tenant, and the currency that the tenant is billed in. None of these ever change. */
export type Deployment = z.infer<typeof deployment>;

/** Returns those of the deployments that exist. */
export function findDeployments(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<readonly Deployment[]> {
  return db.any(sql.type(deployment)`
    SELECT d.deployment_id AS "deploymentId", d.tenant_id AS "tenantId", t.currency
    FROM deployments d JOIN tenants t USING (tenant_id)
    WHERE d.deployment_id = ANY (${textArray(deploymentIds)})
  `);
}

/**
 * SQL for an array of the buckets' service months that have expired and accept no more usage. The other months
 * can't expire before the transaction ends (`migrations/000012_usage_expiry.sql`).
 */
export function expiredMonths(buckets: readonly BucketKey[]) {
  const months = new Set(buckets.map(({ serviceMonth }) => serviceMonth));
  return sql.fragment`expired_months(${columnArray([...months])}::date[])`;
}

/** Transactions that open buckets of the same deployments take turns, by so many locks per source. */
const TURNS = 128;

/**
 * Returns the buckets' service months that have expired, and keeps the others from expiring during the transaction. Also
 * waits for other transactions that may be opening buckets of these deployments, so that the next statement sees them:
 * `lockOpenBuckets` depends on it.
 */
export async function readExpiredMonths(
  tx: Transaction,
  source: UsageSource,
  buckets: readonly BucketKey[],
): Promise<ReadonlySet<string>> {
  const deployments = new Set(buckets.map(({ deploymentId }) => deploymentId));
  return new Set(
    await tx.anyFirst(sql.type(expiredMonth)`
      WITH turn AS MATERIALIZED (
        SELECT pg_advisory_xact_lock(hashtext(${`open ${source} buckets`}), turn_no) FROM (
          SELECT DISTINCT (hashtextextended(id, 0) & ${TURNS - 1}::bigint)::int AS turn_no
          FROM unnest(${columnArray([...deployments])}::text[]) AS d (id)
          -- All transactions lock in the same order, to prevent deadlocks.
          ORDER BY turn_no
        ) t
      )
      SELECT unnest(${expiredMonths(buckets)}) AS month
      FROM (SELECT count(*) AS taken FROM turn) t WHERE taken > 0
    `),
  );
}

const expiredMonth = z.object({ month: z.string() });

/** Condition: the deployment, month and model of a row have a bucket of LLM usage, whether it is sealed or not. */
export function hasOwnBucket(row: string) {
  const of = (column: string) => sql.identifier([row, column]);
  // OFFSET 0 has each row looked up: a hash table could hold the buckets of all months.
  return sql.fragment`EXISTS (
    SELECT FROM usage_buckets o
    WHERE o.service_month = ${of('service_month')} AND o.tenant_id = ${of('tenant_id')}
      AND o.deployment_id = ${of('deployment_id')} AND o.model = ${of('model')} AND o.source = 'llm' OFFSET 0
  )`;
}

/**
 * Finds or creates the open bucket of each key, locks it until the transaction ends, and returns it. One
 * statement does both: with a select and a later update by id, a bucket could be sealed in between and still be
 * added to. A model beyond {@link MAX_MODELS} that has no bucket gets that of all other models. The transaction must have
 * waited for its turn with {@link readExpiredMonths}: two can't open the same bucket.
 * @returns each bucket once; that of all other models instead of those that it stands for
 */
export function lockOpenBuckets(
  tx: Transaction,
  source: UsageSource,
  keys: readonly BucketKey[],
): Promise<readonly OpenBucket[]> {
  return tx.any(sql.type(openBucket)`
    WITH asked AS (
      SELECT "tenantId" AS tenant_id, "deploymentId" AS deployment_id, "resourceKind" AS resource_kind,
        "serviceMonth" AS service_month, model
      FROM json_to_recordset(${jsonRows(keys)})
        AS k ("tenantId" text, "deploymentId" text, "resourceKind" text, "serviceMonth" date, model text)
    ), known AS (
      SELECT k.*, k.model = ${OTHER_MODELS} OR ${hasOwnBucket('k')} AS has_place FROM asked k
    ), room AS MATERIALIZED (
      SELECT d.*, ${MAX_MODELS} - (
        SELECT count(DISTINCT o.model) FROM usage_buckets o
        WHERE o.service_month = d.service_month AND o.tenant_id = d.tenant_id
          AND o.deployment_id = d.deployment_id AND o.source = 'llm' AND o.model <> ${OTHER_MODELS}
      ) AS free
      FROM (SELECT DISTINCT tenant_id, deployment_id, service_month FROM known WHERE NOT has_place) d
    ), numbered AS (
      SELECT k.*, row_number() OVER (
        PARTITION BY deployment_id, service_month, has_place ORDER BY model
      ) AS nth FROM known k
    ), place AS MATERIALIZED (
      SELECT DISTINCT tenant_id, deployment_id, resource_kind, service_month,
        CASE WHEN has_place OR nth <= free THEN model ELSE ${OTHER_MODELS} END AS model
      FROM numbered LEFT JOIN room USING (tenant_id, deployment_id, service_month)
    ), found AS MATERIALIZED (
      SELECT * FROM usage_buckets b
      WHERE ${IS_OPEN} AND bucket_id = ANY (ARRAY(
        SELECT (SELECT bucket_id FROM usage_buckets o WHERE ${isOpenBucketOf(source, 'p')}) FROM place p
      ))
      ORDER BY bucket_id FOR NO KEY UPDATE
    ), opened AS (
      INSERT INTO usage_buckets (source, tenant_id, deployment_id, resource_kind, service_month, model)
      SELECT ${source}, tenant_id, deployment_id, resource_kind, service_month, model FROM place p
      WHERE NOT EXISTS (SELECT FROM found o WHERE ${isOpenBucketOf(source, 'p')})
      ORDER BY deployment_id, resource_kind, service_month, model
      RETURNING *
    )
    SELECT bucket_id AS "bucketId", tenant_id AS "tenantId", deployment_id AS "deploymentId",
      resource_kind AS "resourceKind", service_month AS "serviceMonth", model
    FROM (SELECT * FROM found UNION ALL SELECT * FROM opened) b
  `);
}

/** Condition: a bucket `o` is the open one of the key in a row. */
export function isOpenBucketOf(source: UsageSource, row: string) {
  const of = (column: string) => sql.identifier([row, column]);
  return sql.fragment`o.source = ${source} AND o.tenant_id = ${of('tenant_id')}
    AND o.service_month = ${of('service_month')} AND o.deployment_id = ${of('deployment_id')}
    AND o.resource_kind = ${of('resource_kind')} AND o.model = ${of('model')} AND o.sealed_for IS NULL`;
}

/**
 * Condition: a bucket `b` is open. The CASE keeps PostgreSQL from reading the index of all open buckets for it, so that
 * buckets are found by their ids, and locked in that order.
 */
export const IS_OPEN = sql.fragment`CASE WHEN b.sealed_for IS NULL THEN true ELSE false END`;

const openBucket = z.object({
  bucketId: z.number(),
  tenantId: z.string(),
  deploymentId: z.string(),
  resourceKind: z.string(),
  serviceMonth: z.string(),
  model: z.string(),
});

const eventId = z.object({ id: z.string() });

/**
 * Inserts the events with new ids and adds only those to their buckets, which must be locked.
 * @returns the inserted ids
 */
export function insertLlmEvents(
  tx: Transaction,
  events: readonly LlmEventRow[],
): Promise<readonly string[]> {
  return tx.anyFirst(sql.type(eventId)`
    WITH arrived AS (
      INSERT INTO llm_usage_events (gateway_request_id, tenant_id, deployment_id, model,
        occurred_at, service_month, charge_cents, currency, input_tokens, output_tokens, attributes,
        content_hash, bucket_id)
      SELECT id, "tenantId", "deploymentId", model, "occurredAt", "serviceMonth", "chargeCents",
        currency, "inputTokens", "outputTokens", attributes::jsonb, decode("contentHash", 'hex'), "bucketId"
      FROM json_to_recordset(${jsonRows(events)}) AS e (id text, "tenantId" text,
        "deploymentId" text, model text, "occurredAt" timestamptz, "serviceMonth" date,
        "chargeCents" numeric, currency text, "inputTokens" bigint, "outputTokens" bigint,
        attributes text, "contentHash" text, "bucketId" bigint)
      ORDER BY id
      ON CONFLICT (gateway_request_id) DO NOTHING
      RETURNING gateway_request_id, bucket_id, charge_cents
    ), added AS (
      UPDATE usage_buckets b
      SET event_count = b.event_count + sums.events, total = b.total + sums.total
      FROM (
        SELECT bucket_id, count(*) AS events, sum(charge_cents) AS total
        FROM arrived GROUP BY bucket_id
      ) sums
      WHERE b.bucket_id = sums.bucket_id
    )
    SELECT gateway_request_id AS id FROM arrived
  `);
}

/**
 * Inserts the records with new ids and adds only those to their buckets, which must be locked. A record that
 * another one replaces must already be stored.
 * @returns the inserted ids
 */
export function insertMeteredRecords(
  tx: Transaction,
  records: readonly MeteredRecordRow[],
): Promise<readonly string[]> {
  return tx.anyFirst(sql.type(eventId)`
    WITH arrived AS (
      INSERT INTO metered_usage_records (record_id, tenant_id, deployment_id, resource_kind,
        occurred_at, service_month, qty, added_qty, replaces, content_hash, bucket_id)
      SELECT id, "tenantId", "deploymentId", "resourceKind", "occurredAt", "serviceMonth", qty,
        "addedQty", replaces, decode("contentHash", 'hex'), "bucketId"
      FROM json_to_recordset(${jsonRows(records)}) AS r (id text, "tenantId" text,
        "deploymentId" text, "resourceKind" text, "occurredAt" timestamptz, "serviceMonth" date,
        qty numeric, "addedQty" numeric, replaces text, "contentHash" text, "bucketId" bigint)
      ORDER BY id
      -- Only for this constraint: replacing a record twice is a bug and must raise an error.
      ON CONFLICT (record_id) DO NOTHING
      RETURNING record_id, bucket_id, added_qty
    ), added AS (
      UPDATE usage_buckets b
      SET event_count = b.event_count + sums.events, total = b.total + sums.total
      FROM (
        SELECT bucket_id, count(*) AS events, sum(added_qty) AS total
        FROM arrived GROUP BY bucket_id
      ) sums
      WHERE b.bucket_id = sums.bucket_id
    )
    SELECT record_id AS id FROM arrived
  `);
}

const storedHash = z.object({ id: z.string(), contentHash: z.string() });

/**
 * Selects `id` and `content_hash` of those ids that are stored or archived. One statement reads both places: an
 * id is always in one of them, even while its event moves to the archive.
 */
export function storedHashes(source: UsageSource, ids: FragmentSqlToken) {
  const events =
    source === 'llm'
      ? sql.fragment`
          SELECT gateway_request_id AS id, content_hash
          FROM llm_usage_events WHERE gateway_request_id = ANY (${ids})`
      : sql.fragment`
          SELECT record_id AS id, content_hash
          FROM metered_usage_records WHERE record_id = ANY (${ids})`;
  return sql.fragment`
    ${events}
    UNION ALL
    SELECT id, content_hash FROM archived_usage_ids
    WHERE source = ${source} AND id = ANY (${ids})`;
}

/** Returns the content hashes, in hex, of those ids that {@link storedHashes} finds. */
export async function readContentHashes(
  db: Queryable,
  source: UsageSource,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.any(sql.type(storedHash)`
    SELECT id, encode(content_hash, 'hex') AS "contentHash"
    FROM (${storedHashes(source, sql.fragment`${columnArray(ids)}::text[]`)}) stored
  `);
  return new Map(rows.map(({ id, contentHash }) => [id, contentHash]));
}

const replaceable = z.object({
  id: z.string(),
  tenantId: z.string(),
  deploymentId: z.string(),
  resourceKind: z.string(),
  serviceMonth: z.string(),
  qty: z.string(),
  replacedBy: z.string().nullable(),
  /** Whether an operator excluded it from billing. */
  isExcluded: z.boolean(),
});
/** A stored record that a correction refers to. */
export type ReplaceableRecord = z.infer<typeof replaceable>;

/**
 * Returns those of the records that are stored. Only the transaction that holds the lock on their open bucket
 * can replace them.
 */
export async function readReplaceable(
  tx: Transaction,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ReplaceableRecord>> {
  const rows = await tx.any(sql.type(replaceable)`
    SELECT r.record_id AS id, r.tenant_id AS "tenantId", r.deployment_id AS "deploymentId",
      r.resource_kind AS "resourceKind", r.service_month AS "serviceMonth", r.qty,
      s.record_id AS "replacedBy", EXISTS (
        SELECT FROM usage_exclusions e WHERE e.source = 'metered' AND e.event_id = r.record_id
      ) AS "isExcluded"
    FROM metered_usage_records r LEFT JOIN metered_usage_records s ON s.replaces = r.record_id
    WHERE r.record_id = ANY (${textArray(ids)})
  `);
  return new Map(rows.map((row) => [row.id, row]));
}
