import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import { columnArray, jsonRows, sql, textArray } from '../sql.ts';
import type { Queryable, Transaction } from '../pool.ts';

/**
 * The writing side of the usage ledger (DESIGN "Usage ledger"). Month end seals open buckets while
 * this appends, so a transaction keeps to one order: lock the open buckets, then insert the events
 * in the order of their ids, which adds them to their buckets.
 */

/** Which of the two kinds of usage a bucket sums up. */
export type UsageSource = 'llm' | 'metered';

/** The resource kind of every LLM bucket. */
export const LLM_RESOURCE_KIND = 'llm_usage';

/** The key of a bucket, except its source. */
export interface BucketKey {
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly resourceKind: string;
  /** First day of the service month, `2026-05-01`. */
  readonly serviceMonth: string;
}

/** A locked, open bucket. */
export interface OpenBucket extends BucketKey {
  readonly bucketId: number;
}

/** A priced LLM request as it is stored. */
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
  /** SHA-256 in hex, of what the event means. */
  readonly contentHash: string;
  readonly bucketId: number;
}

/** A metered quantity as it is stored. */
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
  /** What it adds to its bucket: less than `qty`, maybe below zero, where it replaces a record. */
  readonly addedQty: string;
  readonly replaces: string | null;
  /** SHA-256 in hex, of what the event means. */
  readonly contentHash: string;
  readonly bucketId: number;
}

const deployment = z.object({
  deploymentId: z.string(),
  tenantId: z.string(),
  currency: z.string(),
});
/** A deployment, whose it is, and the currency that its tenant is billed in. None of it changes. */
export type Deployment = z.infer<typeof deployment>;

/** Those of the deployments that exist. */
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
 * An array of those of the buckets' service months that take no more usage, because it has expired. The
 * others can't expire before the transaction ends (`migrations/000012_usage_expiry.sql`).
 */
export function expiredMonths(buckets: readonly BucketKey[]) {
  const months = new Set(buckets.map(({ serviceMonth }) => serviceMonth));
  return sql.fragment`expired_months(${columnArray([...months])}::date[])`;
}

/**
 * Finds out which service months have expired, and keeps the others from it: call it before their
 * buckets are locked.
 */
export async function readExpiredMonths(
  tx: Transaction,
  buckets: readonly BucketKey[],
): Promise<ReadonlySet<string>> {
  return new Set(
    await tx.anyFirst(sql.type(expiredMonth)`SELECT unnest(${expiredMonths(buckets)}) AS month`),
  );
}

const expiredMonth = z.object({ month: z.string() });

/**
 * Finds or makes the open bucket of each key and locks it until the transaction ends. One statement
 * does both: to select first and update by id later would add to a bucket that has been sealed in
 * between.
 */
export function lockOpenBuckets(
  tx: Transaction,
  source: UsageSource,
  keys: readonly BucketKey[],
): Promise<readonly OpenBucket[]> {
  return tx.any(sql.type(openBucket)`
    INSERT INTO usage_buckets (source, tenant_id, deployment_id, resource_kind, service_month)
    SELECT ${source}, "tenantId", "deploymentId", "resourceKind", "serviceMonth"
    FROM json_to_recordset(${jsonRows(keys)})
      AS k ("tenantId" text, "deploymentId" text, "resourceKind" text, "serviceMonth" date)
    -- The same order for everyone, or two of them would wait for each other.
    ORDER BY "deploymentId", "resourceKind", "serviceMonth"
    ON CONFLICT (source, deployment_id, resource_kind, service_month) WHERE sealed_for IS NULL
      DO UPDATE SET event_count = usage_buckets.event_count
    RETURNING bucket_id AS "bucketId", tenant_id AS "tenantId", deployment_id AS "deploymentId",
      resource_kind AS "resourceKind", service_month AS "serviceMonth"
  `);
}

const openBucket = z.object({
  bucketId: z.number(),
  tenantId: z.string(),
  deploymentId: z.string(),
  resourceKind: z.string(),
  serviceMonth: z.string(),
});

const eventId = z.object({ id: z.string() });

/**
 * Inserts the events whose ids are new and adds those, and only those, to their buckets, which must
 * be locked.
 * @returns the ids that were inserted
 */
export function insertLlmEvents(
  tx: Transaction,
  events: readonly LlmEventRow[],
): Promise<readonly string[]> {
  return tx.anyFirst(sql.type(eventId)`
    WITH arrived AS (
      INSERT INTO llm_usage_events (gateway_request_id, tenant_id, deployment_id, model,
        occurred_at, service_month, charge_cents, currency, input_tokens, output_tokens,
        content_hash, bucket_id)
      SELECT id, "tenantId", "deploymentId", model, "occurredAt", "serviceMonth", "chargeCents",
        currency, "inputTokens", "outputTokens", decode("contentHash", 'hex'), "bucketId"
      FROM json_to_recordset(${jsonRows(events)}) AS e (id text, "tenantId" text,
        "deploymentId" text, model text, "occurredAt" timestamptz, "serviceMonth" date,
        "chargeCents" numeric, currency text, "inputTokens" bigint, "outputTokens" bigint,
        "contentHash" text, "bucketId" bigint)
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
 * Inserts the records whose ids are new and adds those, and only those, to their buckets, which must
 * be locked. A record that another one replaces must be stored by now.
 * @returns the ids that were inserted
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
      -- Not for any conflict: a record replaced twice is a mistake of ours and must be heard.
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
 * Selects the `id` and the `content_hash` of those ids that are stored, or were before their events
 * went to the archive. One statement: an id is always in one of the two places.
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

/** The content hashes, in hex, of those ids that {@link storedHashes} finds. */
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
  /** Whether an operator has taken it out of billing. */
  isExcluded: z.boolean(),
});
/** A stored record that a correction names. */
export type ReplaceableRecord = z.infer<typeof replaceable>;

/**
 * Returns those of the records that are stored. Only the transaction that holds the lock of their open bucket
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
