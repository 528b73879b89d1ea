import { sql } from '../sql.ts';
import { isChargedBy } from './held-usage.ts';
import { LLM_EVENTS, METERED_RECORDS } from './usage-events.ts';

/** The events that a line of an invoice or of an adjustment note charges for. */

/**
 * Selects, after its columns, the events `x` that an adjustment note's line takes back: the note excludes them, and their
 * bucket `b` is on an earlier document. An invoice has none, because it holds the usage of the events that it excludes.
 */
export function takenBack(invoiceId: string, lineNo: number) {
  return sql.fragment`
    FROM invoices i JOIN invoice_lines line USING (invoice_id)
    JOIN invoice_exclusions le USING (invoice_id) JOIN usage_exclusions x USING (exclusion_id)
    JOIN usage_buckets b ON b.bucket_id = x.bucket_id
      AND ${isChargedBy(sql.fragment`to_char(i.period_start, 'YYYY-MM')`)}
    WHERE i.invoice_id = ${invoiceId}::uuid AND line.line_no = ${lineNo} AND NOT EXISTS (
      SELECT FROM invoice_usage u WHERE u.invoice_id = i.invoice_id AND u.bucket_id = b.bucket_id
    )`;
}

/** Which events behind a line: the next ones by id, or those with these ids; null: all. */
export type WantedEvents =
  | { readonly after: string | null; readonly limit: number }
  | { readonly ids: readonly string[] }
  | null;

/**
 * Selects the events of the line's buckets, and those that it takes back; with a page, the next ones of each bucket.
 * Events are matched by bucket and month, because the archive has one partition per month. `bucket_model` is the model
 * that sums count the event for: '' for models without a bucket of their own, null for metered usage.
 */
export function eventsBehind(invoiceId: string, lineNo: number, wanted: WantedEvents) {
  const nextOf = (id: ReturnType<typeof sql.fragment>) => {
    if (wanted === null) return sql.fragment``;
    if ('ids' in wanted) {
      return sql.fragment`AND ${id} COLLATE "C" = ANY(${sql.array([...wanted.ids], 'text')})`;
    }
    const isNext =
      wanted.after === null
        ? sql.fragment``
        : sql.fragment`AND ${id} COLLATE "C" > ${wanted.after}`;
    return sql.fragment`${isNext} ORDER BY ${id} COLLATE "C" LIMIT ${wanted.limit}`;
  };
  const excluded = sql.fragment`
    LEFT JOIN (
      SELECT x.source, x.event_id, x.amount
      FROM invoice_exclusions le JOIN usage_exclusions x USING (exclusion_id)
      WHERE le.invoice_id = ${invoiceId}::uuid
    ) x`;
  const ofTaken = sql.fragment`x.event_id, x.amount, x.bucket_id, b.service_month, b.model`;
  const buckets = sql.fragment`
    FROM invoice_usage u JOIN usage_buckets b USING (bucket_id)`;
  const ofLine = sql.fragment`WHERE u.invoice_id = ${invoiceId}::uuid AND u.line_no = ${lineNo}`;
  return sql.fragment`
    SELECT e.gateway_request_id AS event_id, e.occurred_at, e.received_at, e.model, b.model AS bucket_model, e.input_tokens,
      e.output_tokens, NULL::numeric AS qty, NULL::text AS replaces, e.attributes, e.charge_cents AS amount,
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
    SELECT r.record_id, r.occurred_at, r.received_at, NULL, NULL, NULL, NULL, r.qty, r.replaces, NULL,
      r.added_qty, coalesce(x.amount, 0), x.event_id IS NOT NULL, r.content_hash
    ${buckets} CROSS JOIN LATERAL (
      SELECT * FROM ${METERED_RECORDS} r
      WHERE r.bucket_id = b.bucket_id AND r.service_month = b.service_month
      ${nextOf(sql.fragment`r.record_id`)}
    ) r
    ${excluded} ON x.source = 'metered' AND x.event_id = r.record_id
    ${ofLine} AND b.source = 'metered'
    UNION ALL
    SELECT e.gateway_request_id, e.occurred_at, e.received_at, e.model, taken.model, e.input_tokens, e.output_tokens,
      NULL, NULL, e.attributes, 0, taken.amount, true, e.content_hash
    FROM (SELECT ${ofTaken} ${takenBack(invoiceId, lineNo)} AND x.source = 'llm') taken
    CROSS JOIN LATERAL (
      SELECT * FROM ${LLM_EVENTS} e WHERE e.bucket_id = taken.bucket_id
        AND e.service_month = taken.service_month AND e.gateway_request_id = taken.event_id
        ${nextOf(sql.fragment`e.gateway_request_id`)}
    ) e
    UNION ALL
    SELECT r.record_id, r.occurred_at, r.received_at, NULL, NULL, NULL, NULL, r.qty, r.replaces, NULL, 0, taken.amount,
      true, r.content_hash
    FROM (SELECT ${ofTaken} ${takenBack(invoiceId, lineNo)} AND x.source = 'metered') taken
    CROSS JOIN LATERAL (
      SELECT * FROM ${METERED_RECORDS} r WHERE r.bucket_id = taken.bucket_id
        AND r.service_month = taken.service_month AND r.record_id = taken.event_id
        ${nextOf(sql.fragment`r.record_id`)}
    ) r`;
}
