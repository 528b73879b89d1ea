import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import { columnArray, sql } from '../sql.ts';
import type { Queryable } from '../pool.ts';
import {
  expiredMonths,
  IS_OPEN,
  isOpenBucketOf,
  storedHashes,
  type BucketKey,
  type LlmEventRow,
  type MeteredRecordRow,
  type UsageSource,
} from './usage-ledger.ts';

/**
 * The fast path into the usage ledger (ADR 15). One statement, which is its own transaction, looks up the
 * stored ids, finds the open buckets, adds the events to them, which locks them, and inserts the events. It only stores
 * events whose own bucket is open and whose month hasn't expired; `usage-ledger.ts` handles the rest, such as events of
 * models that share a bucket (ADR 35).
 *
 * Correctness depends on the bucket locks. The update waits for the transaction that holds a bucket and then rereads
 * the row: a bucket sealed in the meantime drops out, and one that was updated can't be sealed until the events are
 * committed. All transactions use the same order: lock open buckets ordered by id, all of them before inserting the
 * first event, and insert events ordered by id.
 *
 * An id that another sender stores at the same moment makes the statement fail, with nothing stored. That is rare, and
 * `ON CONFLICT` would make every insert look its id up once more and write a second record to the log.
 */

/** The result of an append. Rows in neither `known` nor `missed` are stored now. */
export interface Appended {
  /** Content hashes, in hex, by id: ids that were stored before. */
  readonly known: ReadonlyMap<string, string>;
  /** Ids that were not stored: the bucket isn't open, or the month has expired. */
  readonly missed: ReadonlySet<string>;
}

/** An event whose bucket the statement looks up by key. */
export type LlmAppend = BucketKey & Omit<LlmEventRow, 'bucketId'>;
/** A record whose bucket the statement looks up by key. It can't be a correction. */
export type MeteredAppend = BucketKey &
  Omit<MeteredRecordRow, 'bucketId' | 'addedQty' | 'replaces'>;

const outcome = z.object({
  knownIds: z.array(z.string()),
  knownHashes: z.array(z.string()),
  missed: z.array(z.number()),
});

/**
 * Appends LLM events to their open buckets.
 * @param events each id once
 * @param others more ids to look up
 * @throws UniqueIntegrityConstraintViolationError if another sender stored one of the ids at the same moment
 */
export async function appendLlmRows(
  db: Queryable,
  events: readonly LlmAppend[],
  others: readonly string[],
): Promise<Appended> {
  const { firsts, numbers } = numberBuckets(events);
  return toAppended(
    events,
    numbers,
    await db.one(sql.type(outcome)`
    /* planned each time */ WITH ${given(events, others)}, sent AS (
      SELECT * FROM unnest((SELECT ids FROM given), ${columnArray(numbers)}::bigint[],
        ${column(events, (e) => e.occurredAt)}::timestamptz[],
        ${column(events, (e) => e.chargeCents)}::numeric[],
        ${column(events, (e) => e.inputTokens)}::bigint[],
        ${column(events, (e) => e.outputTokens)}::bigint[],
        ${attributesOf(events)}::jsonb[],
        ${column(events, (e) => e.contentHash)}::text[]
      ) AS e (id, bucket_no, occurred_at, charge_cents, input_tokens, output_tokens, attributes,
        content_hash)
    ), known AS MATERIALIZED (
      ${storedHashes('llm', ASKED)}
    ), ${FRESH}, ${adding(
      'llm',
      sql.fragment`charge_cents`,
      firsts,
      column(firsts, (e) => e.currency),
    )}, arrived AS (
      INSERT INTO llm_usage_events (gateway_request_id, tenant_id, deployment_id, model, occurred_at,
        service_month, charge_cents, currency, input_tokens, output_tokens, attributes, content_hash,
        bucket_id)
      SELECT f.id, b.tenant_id, b.deployment_id, b.model, f.occurred_at, b.service_month,
        f.charge_cents, b.currency, f.input_tokens, f.output_tokens, f.attributes,
        decode(f.content_hash, 'hex'), b.bucket_id
      FROM fresh f JOIN added b USING (bucket_no)
      ORDER BY f.id
    )
    ${OUTCOME}
  `),
  );
}

/**
 * Appends metered records to their open buckets.
 * @param records each id once
 * @param others more ids to look up
 * @throws UniqueIntegrityConstraintViolationError if another sender stored one of the ids at the same moment
 */
export async function appendMeteredRows(
  db: Queryable,
  records: readonly MeteredAppend[],
  others: readonly string[],
): Promise<Appended> {
  const { firsts, numbers } = numberBuckets(records);
  return toAppended(
    records,
    numbers,
    await db.one(sql.type(outcome)`
    /* planned each time */ WITH ${given(records, others)}, sent AS (
      SELECT * FROM unnest((SELECT ids FROM given), ${columnArray(numbers)}::bigint[],
        ${column(records, (r) => r.occurredAt)}::timestamptz[],
        ${column(records, (r) => r.qty)}::numeric[],
        ${column(records, (r) => r.contentHash)}::text[]
      ) AS r (id, bucket_no, occurred_at, qty, content_hash)
    ), known AS MATERIALIZED (
      ${storedHashes('metered', ASKED)}
    ), ${FRESH}, ${adding('metered', sql.fragment`qty`, firsts, null)}, arrived AS (
      INSERT INTO metered_usage_records (record_id, tenant_id, deployment_id, resource_kind,
        occurred_at, service_month, qty, added_qty, content_hash, bucket_id)
      SELECT f.id, b.tenant_id, b.deployment_id, b.resource_kind, f.occurred_at, b.service_month,
        f.qty, f.qty, decode(f.content_hash, 'hex'), b.bucket_id
      FROM fresh f JOIN added b USING (bucket_no)
      ORDER BY f.id
    )
    ${OUTCOME}
  `),
  );
}

function column<Row>(rows: readonly Row[], read: (row: Row) => string | number | null): string {
  return columnArray(rows.map(read));
}

/** Most gateways send no attributes: `unnest` fills the column with nulls. */
function attributesOf(events: readonly LlmAppend[]): string {
  const hasSome = events.some(({ attributes }) => attributes !== null);
  return hasSome ? column(events, ({ attributes }) => attributes) : '{}';
}

/** The ids, sent once for both the lookup and the insert. */
function given(rows: readonly { readonly id: string }[], others: readonly string[]) {
  return sql.fragment`given AS MATERIALIZED (
    SELECT ${column(rows, ({ id }) => id)}::text[] AS ids, ${columnArray(others)}::text[] AS others
  )`;
}

// Without the cast, ANY would read this as a subquery of rows instead of an array.
const ASKED = sql.fragment`(SELECT ids || others FROM given)::text[]`;

const FRESH = sql.fragment`fresh AS MATERIALIZED (
  SELECT * FROM sent WHERE NOT EXISTS (SELECT FROM known WHERE known.id = sent.id)
)`;

/**
 * Adds the amounts of the fresh events to their open buckets, which locks them. All of these events are inserted, or the
 * statement fails. Events whose month has expired, or whose bucket isn't open, are left out.
 *
 * Its plan must not depend on statistics, which know nothing of a new month. So each bucket is looked up by a subquery: a
 * join may read all open buckets, for each of these.
 * @param amount of a fresh event
 * @param buckets that the numbers of the events stand for
 * @param currencies of the buckets' tenants; null for metered usage
 */
function adding(
  source: UsageSource,
  amount: FragmentSqlToken,
  buckets: readonly BucketKey[],
  currencies: string | null,
) {
  return sql.fragment`sums AS MATERIALIZED (
    SELECT bucket_no, count(*) AS events, sum(${amount}) AS total FROM fresh GROUP BY bucket_no
  ), added AS (
    UPDATE usage_buckets b
    SET event_count = b.event_count + k.events, total = b.total + k.total
    FROM (
      SELECT k.bucket_no, k.currency, sums.events, sums.total, (
        SELECT bucket_id FROM usage_buckets o WHERE ${isOpenBucketOf(source, 'k')}
      ) AS bucket_id
      FROM unnest(
        ${column(buckets, (b) => b.tenantId)}::text[],
        ${column(buckets, (b) => b.deploymentId)}::text[],
        ${column(buckets, (b) => b.resourceKind)}::text[],
        ${column(buckets, (b) => b.serviceMonth)}::date[],
        ${column(buckets, (b) => b.model)}::text[], ${currencies ?? '{}'}::text[]
      ) WITH ORDINALITY
        AS k (tenant_id, deployment_id, resource_kind, service_month, model, currency, bucket_no)
        JOIN sums USING (bucket_no)
      WHERE service_month <> ALL ((SELECT ${expiredMonths(buckets)})::date[])
      ORDER BY bucket_id
    ) k
    WHERE b.bucket_id = k.bucket_id AND ${IS_OPEN}
    RETURNING k.bucket_no, k.currency,
      b.bucket_id, b.tenant_id, b.deployment_id, b.resource_kind, b.service_month, b.model
  )`;
}

// The events are sorted for their insert, so all buckets have been locked before the first one is inserted.
const OUTCOME = sql.fragment`SELECT
  ARRAY(SELECT id FROM known ORDER BY id) AS "knownIds",
  ARRAY(SELECT encode(content_hash, 'hex') FROM known ORDER BY id) AS "knownHashes",
  ARRAY(SELECT bucket_no FROM sums WHERE bucket_no NOT IN (SELECT bucket_no FROM added)) AS missed`;

/** @param numbers of the rows' buckets, in the order of the rows */
function toAppended(
  rows: readonly { readonly id: string }[],
  numbers: readonly number[],
  { knownIds, knownHashes, missed }: z.infer<typeof outcome>,
): Appended {
  const known = new Map(knownIds.map((id, index) => [id, knownHashes[index] ?? '']));
  const missedBuckets = new Set(missed);
  const isMissed = (id: string, index: number) =>
    missedBuckets.has(numbers[index] ?? 0) && !known.has(id);
  const missedIds =
    missed.length === 0 ? [] : rows.flatMap(({ id }, index) => (isMissed(id, index) ? id : []));
  return { known, missed: new Set(missedIds) };
}

/** The distinct buckets of rows and, for each row, the number of its bucket, counted from 1. */
export interface BucketNumbers<Row> {
  /** The first row of each bucket. */
  readonly firsts: readonly Row[];
  readonly numbers: readonly number[];
}

/**
 * Numbers the distinct buckets of rows, so that a bucket's key is sent and compared once instead of per row.
 */
export function numberBuckets<Row extends BucketKey>(rows: readonly Row[]): BucketNumbers<Row> {
  const numberOf = new Map<string, number>();
  const firsts: Row[] = [];
  const numbers = rows.map((row) => {
    const key = bucketKeyText(row);
    const number = numberOf.get(key) ?? firsts.push(row);
    numberOf.set(key, number);
    return number;
  });
  return { firsts, numbers };
}

/** Returns a bucket's key, except its source, as text. It is unambiguous: only models, at its end, contain spaces. */
export function bucketKeyText({
  deploymentId,
  serviceMonth,
  resourceKind,
  model,
}: BucketKey): string {
  return `${deploymentId} ${serviceMonth} ${resourceKind} ${model}`;
}
