import { z } from 'zod';
import { Decimal, toDecimalString } from '../../domain/decimal.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { eventsBehind, takenBack } from './events-behind.ts';
import { modelSumSchema, sumByModel } from './usage-breakdown.ts';

/** Traces an invoice line back to the events behind it. Fields have the names that the API serves. */

export const lineUsageSchema = z.object({
  invoice_id: z.uuid(),
  number: z.string(),
  line_no: z.int(),
  description: z.string(),
  currency: z.string(),
  amount_cents: z.int(),
  source: z.enum(['llm', 'metered']),
  service_month: z.string().describe('The month of the usage.').meta({ example: '2026-05' }),
  resource_name: z
    .string()
    .nullable()
    .describe('What the plan called the resource kind. Null: nothing, and LLM usage.'),
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
  by_model: z
    .array(modelSumSchema)
    .nullable()
    .describe(
      'The events and their exact sum by model, largest sum first. They add up to `events` and `exact_sum`. ' +
        'Null: metered usage.',
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
  attributes: z
    .record(z.string(), z.string())
    .nullable()
    .describe('LLM usage only: as they were sent; null if none were.'),
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
  .omit({ events: true, excluded_events: true, exact_sum: true, digest: true, by_model: true })
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
    by_model: line.source === 'llm' ? [...(await sumByModel(db, invoiceId, lineNo))] : null,
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
      coalesce(l.meta ->> 'service_month', to_char(i.period_start, 'YYYY-MM')) AS service_month,
      l.meta ->> 'resource_name' AS resource_name, coalesce(l.resource_kind, 'cents') AS unit, gone.expired_at, gone.events AS "goneEvents",
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
    SELECT ${EVENT_COLUMNS} FROM (${eventsBehind(invoiceId, lineNo, { after, limit })}) e
    ORDER BY event_id COLLATE "C" LIMIT ${limit}
  `);
}

/** Returns these events behind a line, in this order. Reads them by an index. */
export async function findEventsBehind(
  db: Queryable,
  invoiceId: string,
  lineNo: number,
  ids: readonly string[],
): Promise<readonly EventBehindLine[]> {
  if (ids.length === 0) return [];
  const found = await db.any(sql.type(behindLineSchema)`
    SELECT ${EVENT_COLUMNS} FROM (${eventsBehind(invoiceId, lineNo, { ids })}) e
  `);
  const byId = new Map(found.map((event) => [event.event_id, event]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

const EVENT_COLUMNS = sql.fragment`
  event_id, occurred_at, received_at, model, input_tokens, output_tokens, trim_scale(qty) AS qty, replaces, attributes,
  trim_scale(amount) AS amount, trim_scale(excluded) AS excluded, is_excluded, encode(hash, 'hex') AS content_hash`;
