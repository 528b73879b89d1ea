import { z } from 'zod';
import { Decimal, toDecimalString } from '../../domain/decimal.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { isChargedBy } from './held-usage.ts';
import { LLM_EVENTS, METERED_RECORDS } from './usage-events.ts';

/** Traces an invoice line back to the events behind it. Fields have the names that the API serves. */

export const lineUsageSchema = z.object({
  invoice_id: z.uuid(),
  number: z.string(),
  line_no: z.int(),
  description: z.string(),
  currency: z.string(),
  amount_cents: z.int(),
  source: z.enum(['llm', 'metered']),
  unit: z
    .string()
    .describe(
      'The unit of the events: cents (the minor unit of the currency), or the resource kind.',
    ),
  events: z.int().describe('Events that count.'),
  excluded_events: z
    .int()
    .describe(
      'Events that an operator had excluded before. On an adjustment note also those that an earlier document billed.',
    ),
  exact_sum: z
    .string()
    .describe(
      'Exact cents or quantity, before any rounding. On an adjustment note: the difference.',
    ),
  digest: z
    .string()
    .nullable()
    .describe(
      'SHA-256, in hex, over the content hashes of all events, in the order of their ids (bytes). ' +
        'The same events give the same digest, at any time. Null where they have expired.',
    ),
  expired_at: z.iso
    .datetime()
    .nullable()
    .describe(
      'When the events were deleted, years after their month: they can no longer be shown, and count ' +
        'and sum are what their buckets say. Null for most.',
    ),
});
/** A summary of the usage behind a line. */
export type LineUsage = z.infer<typeof lineUsageSchema>;

export const behindLineSchema = z.object({
  event_id: z.string(),
  occurred_at: z.string(),
  received_at: z.string(),
  model: z.string().nullable().describe('LLM usage only.'),
  input_tokens: z.int().nullable(),
  output_tokens: z.int().nullable(),
  qty: z.string().nullable().describe('Metered usage only: as it was sent.'),
  replaces: z.string().nullable().describe('Metered usage only: the record that this corrects.'),
  amount: z
    .string()
    .describe(
      'What it adds to the line: exact cents, or a quantity. "0" for an event that an adjustment note takes back.',
    ),
  excluded: z.string().describe('How much of that was excluded; "0" for most.'),
  is_excluded: z.boolean().describe('Whether it was: an event of nothing can be excluded, too.'),
  content_hash: z.string().describe('SHA-256, in hex, of the content as it was sent.'),
});
/** An event behind a line. */
export type EventBehindLine = z.infer<typeof behindLineSchema>;

const lineFacts = lineUsageSchema
  .omit({ events: true, excluded_events: true, exact_sum: true, digest: true })
  .extend({
    kind: z.enum(['llm_usage', 'overage']),
    goneEvents: z.number(),
    goneExcluded: z.number(),
    goneSum: z.string(),
  });
type LineFacts = z.infer<typeof lineFacts>;

const eventsSummary = z.object({
  events: z.number(),
  excluded: z.number(),
  sum: z.string(),
  digest: z.string(),
});
/** Counts, sum and digest of all events behind a line. */
export type EventsSummary = z.infer<typeof eventsSummary>;

/**
 * Cache key of a line's summary. The events of an issued line never change until they expire, which sets
 * `expiredAt`.
 */
export interface SummaryKey {
  readonly invoiceId: string;
  readonly lineNo: number;
  readonly expiredAt: string | null;
}

/**
 * Returns a summary of the usage behind a line.
 * @param summaries returns the summary of a line's events, from a cache if possible; `compute` reads all of the
 * events
 * @returns null if the line doesn't exist or no usage can be behind it
 */
export async function readLineUsage(
  db: Queryable,
  invoiceId: string,
  lineNo: number,
  summaries: (key: SummaryKey, compute: () => Promise<EventsSummary>) => Promise<EventsSummary> = (
    _key,
    compute,
  ) => compute(),
): Promise<LineUsage | null> {
  const facts = await readLineFacts(db, invoiceId, lineNo);
  if (facts === null) return null;
  const { kind, goneEvents, goneExcluded, goneSum, ...line } = facts;
  const summary = await summaries({ invoiceId, lineNo, expiredAt: line.expired_at }, () =>
    summarizeEvents(db, invoiceId, lineNo, kind),
  );
  return {
    ...line,
    events: summary.events + goneEvents - (kind === 'overage' ? 0 : goneExcluded),
    excluded_events: summary.excluded + goneExcluded,
    exact_sum: toDecimalString(new Decimal(summary.sum).plus(goneSum)),
    digest: line.expired_at === null ? summary.digest : null,
  };
}

/** Returns whether the line exists and can have usage behind it. */
export function hasUsageBehind(db: Queryable, invoiceId: string, lineNo: number): Promise<boolean> {
  return db.exists(sql.typeAlias('nothing')`
    SELECT FROM invoice_lines
    WHERE invoice_id = ${invoiceId}::uuid AND line_no = ${lineNo}
      AND kind IN ('llm_usage', 'overage')
  `);
}

/**
 * Returns the line with the sums of its expired events, which come from their buckets. Reads one row per bucket
 * of the line.
 */
function readLineFacts(
  db: Queryable,
  invoiceId: string,
  lineNo: number,
): Promise<LineFacts | null> {
  return db.maybeOne(sql.type(lineFacts)`
    SELECT i.invoice_id, i.number, l.line_no, l.description, i.currency, l.amount_cents, l.kind,
      CASE l.kind WHEN 'llm_usage' THEN 'llm' ELSE 'metered' END AS source,
      coalesce(l.resource_kind, 'cents') AS unit, gone.expired_at, gone.events AS "goneEvents",
      gone.excluded_events AS "goneExcluded", gone.exact_sum AS "goneSum"
    FROM invoices i JOIN invoice_lines l USING (invoice_id)
    CROSS JOIN LATERAL (
      SELECT max(a.expired_at) AS expired_at,
        coalesce(sum(CASE WHEN b.is_taken_back THEN x.events ELSE b.event_count END), 0)::bigint AS events,
        coalesce(sum(x.events), 0)::bigint AS excluded_events,
        coalesce(sum(b.total - x.amount), 0) AS exact_sum
      FROM (
        SELECT u.bucket_id, b.service_month, b.source, b.event_count, b.total, false AS is_taken_back
        FROM invoice_usage u JOIN usage_buckets b USING (bucket_id)
        WHERE u.invoice_id = ${invoiceId}::uuid AND u.line_no = ${lineNo}
        UNION ALL
        SELECT DISTINCT b.bucket_id, b.service_month, b.source, 0, 0, true ${takenBack(invoiceId, lineNo)}
      ) b
      JOIN usage_archives a USING (service_month, source)
      CROSS JOIN LATERAL (
        SELECT count(*) AS events, coalesce(sum(e.amount), 0) AS amount
        FROM invoice_exclusions le JOIN usage_exclusions e USING (exclusion_id)
        WHERE le.invoice_id = ${invoiceId}::uuid AND e.bucket_id = b.bucket_id
      ) x
      WHERE a.expired_at IS NOT NULL
    ) gone
    WHERE i.invoice_id = ${invoiceId}::uuid AND l.line_no = ${lineNo}
      AND l.kind IN ('llm_usage', 'overage')
  `);
}

/** Summarizes the events behind a line. Reads every one of them: 340 ms for 200,000. */
function summarizeEvents(
  db: Queryable,
  invoiceId: string,
  lineNo: number,
  kind: LineFacts['kind'],
): Promise<EventsSummary> {
  return db.one(sql.type(eventsSummary)`
    SELECT count(*) FILTER (WHERE NOT is_excluded OR ${kind} = 'overage') AS events,
      count(*) FILTER (WHERE is_excluded) AS excluded,
      coalesce(sum(amount - excluded), 0) AS sum,
      encode(sha256(coalesce(string_agg(hash, ''::bytea ORDER BY event_id COLLATE "C"), '')), 'hex')
        AS digest
    FROM (${eventsBehind(invoiceId, lineNo, null)}) e
  `);
}

/**
 * Returns a page of the events behind a line, ordered by id (bytes). Reads at most one page from each bucket,
 * by an index in that order. Returns none if the events have expired.
 */
export function listEventsBehind(
  db: Queryable,
  invoiceId: string,
  lineNo: number,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly EventBehindLine[]> {
  return db.any(sql.type(behindLineSchema)`
    SELECT event_id, occurred_at, received_at, model, input_tokens, output_tokens,
      trim_scale(qty) AS qty, replaces, trim_scale(amount) AS amount,
      trim_scale(excluded) AS excluded, is_excluded, encode(hash, 'hex') AS content_hash
    FROM (${eventsBehind(invoiceId, lineNo, { after, limit })}) e
    ORDER BY event_id COLLATE "C" LIMIT ${limit}
  `);
}

/**
 * Selects, after its columns, the events `x` that an adjustment note's line takes back: the note excludes them, and their
 * bucket `b` is on an earlier document. An invoice has none, because it holds the usage of the events that it excludes.
 */
function takenBack(invoiceId: string, lineNo: number) {
  return sql.fragment`
    FROM invoices i JOIN invoice_lines line USING (invoice_id)
    JOIN invoice_exclusions le USING (invoice_id) JOIN usage_exclusions x USING (exclusion_id)
    JOIN usage_buckets b ON b.bucket_id = x.bucket_id
      AND ${isChargedBy(sql.fragment`to_char(i.period_start, 'YYYY-MM')`)}
    WHERE i.invoice_id = ${invoiceId}::uuid AND line.line_no = ${lineNo} AND NOT EXISTS (
      SELECT FROM invoice_usage u WHERE u.invoice_id = i.invoice_id AND u.bucket_id = b.bucket_id
    )`;
}

/**
 * Selects the events of the line's buckets, and those that it takes back; with a page, the next ones of each bucket.
 * Events are matched by bucket and month, because the archive has one partition per month.
 */
function eventsBehind(
  invoiceId: string,
  lineNo: number,
  page: { readonly after: string | null; readonly limit: number } | null,
) {
  const nextOf = (id: ReturnType<typeof sql.fragment>) => {
    if (page === null) return sql.fragment``;
    const isNext =
      page.after === null ? sql.fragment`` : sql.fragment`AND ${id} COLLATE "C" > ${page.after}`;
    return sql.fragment`${isNext} ORDER BY ${id} COLLATE "C" LIMIT ${page.limit}`;
  };
  const excluded = sql.fragment`
    LEFT JOIN (
      SELECT x.source, x.event_id, x.amount
      FROM invoice_exclusions le JOIN usage_exclusions x USING (exclusion_id)
      WHERE le.invoice_id = ${invoiceId}::uuid
    ) x`;
  const ofTaken = sql.fragment`x.event_id, x.amount, x.bucket_id, b.service_month`;
  const buckets = sql.fragment`
    FROM invoice_usage u JOIN usage_buckets b USING (bucket_id)`;
  const ofLine = sql.fragment`WHERE u.invoice_id = ${invoiceId}::uuid AND u.line_no = ${lineNo}`;
  return sql.fragment`
    SELECT e.gateway_request_id AS event_id, e.occurred_at, e.received_at, e.model, e.input_tokens,
      e.output_tokens, NULL::numeric AS qty, NULL::text AS replaces, e.charge_cents AS amount,
      coalesce(x.amount, 0) AS excluded, x.event_id IS NOT NULL AS is_excluded,
      e.content_hash AS hash
    ${buckets} CROSS JOIN LATERAL (
      SELECT * FROM ${LLM_EVENTS} e
      WHERE e.bucket_id = b.bucket_id AND e.service_month = b.service_month
      ${nextOf(sql.fragment`e.gateway_request_id`)}
    ) e
    ${excluded} ON x.source = 'llm' AND x.event_id = e.gateway_request_id
    ${ofLine} AND b.source = 'llm'
    UNION ALL
    SELECT r.record_id, r.occurred_at, r.received_at, NULL, NULL, NULL, r.qty, r.replaces,
      r.added_qty, coalesce(x.amount, 0), x.event_id IS NOT NULL, r.content_hash
    ${buckets} CROSS JOIN LATERAL (
      SELECT * FROM ${METERED_RECORDS} r
      WHERE r.bucket_id = b.bucket_id AND r.service_month = b.service_month
      ${nextOf(sql.fragment`r.record_id`)}
    ) r
    ${excluded} ON x.source = 'metered' AND x.event_id = r.record_id
    ${ofLine} AND b.source = 'metered'
    UNION ALL
    SELECT e.gateway_request_id, e.occurred_at, e.received_at, e.model, e.input_tokens, e.output_tokens,
      NULL, NULL, 0, taken.amount, true, e.content_hash
    FROM (SELECT ${ofTaken} ${takenBack(invoiceId, lineNo)} AND x.source = 'llm') taken
    CROSS JOIN LATERAL (
      SELECT * FROM ${LLM_EVENTS} e WHERE e.bucket_id = taken.bucket_id
        AND e.service_month = taken.service_month AND e.gateway_request_id = taken.event_id
        ${nextOf(sql.fragment`e.gateway_request_id`)}
    ) e
    UNION ALL
    SELECT r.record_id, r.occurred_at, r.received_at, NULL, NULL, NULL, r.qty, r.replaces, 0, taken.amount, true,
      r.content_hash
    FROM (SELECT ${ofTaken} ${takenBack(invoiceId, lineNo)} AND x.source = 'metered') taken
    CROSS JOIN LATERAL (
      SELECT * FROM ${METERED_RECORDS} r WHERE r.bucket_id = taken.bucket_id
        AND r.service_month = taken.service_month AND r.record_id = taken.event_id
        ${nextOf(sql.fragment`r.record_id`)}
    ) r`;
}
