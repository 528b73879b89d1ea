import { z } from 'zod';
import type { Queryable } from './pool.ts';
import { sql } from './sql.ts';

/** From an invoice line back to the events behind it. Fields are named as they are served. */

export const lineUsageSchema = z.object({
  invoice_id: z.uuid(),
  number: z.string(),
  line_no: z.int(),
  description: z.string(),
  amount_cents: z.int(),
  source: z.enum(['llm', 'metered']),
  unit: z.string().describe('What the amounts of the events are: cents, or the resource kind.'),
  events: z.int().describe('Events that count.'),
  excluded_events: z.int().describe('Events that an operator had excluded before.'),
  exact_sum: z.string().describe('Exact cents or quantity, before any rounding.'),
  digest: z
    .string()
    .describe(
      'SHA-256, in hex, over the content hashes of all events, in the order of their ids (bytes). ' +
        'The same events give the same digest, at any time.',
    ),
});
/** What is behind a line, in one row. */
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
  amount: z.string().describe('What it adds to the line: exact cents, or a quantity.'),
  excluded: z.string().describe('How much of that was excluded; "0" for most.'),
  is_excluded: z.boolean().describe('Whether it was: an event of nothing can be excluded, too.'),
  content_hash: z.string().describe('SHA-256, in hex, of the content as it was sent.'),
});
/** An event behind a line. */
export type EventBehindLine = z.infer<typeof behindLineSchema>;

/** @returns null where there is no such line, or no usage can be behind it */
export function readLineUsage(
  db: Queryable,
  invoiceId: string,
  lineNo: number,
): Promise<LineUsage | null> {
  return db.maybeOne(sql.type(lineUsageSchema)`
    SELECT i.invoice_id, i.number, l.line_no, l.description, l.amount_cents,
      CASE l.kind WHEN 'llm_usage' THEN 'llm' ELSE 'metered' END AS source,
      coalesce(l.resource_kind, 'cents') AS unit, s.events, s.excluded_events, s.exact_sum, s.digest
    FROM invoices i JOIN invoice_lines l USING (invoice_id)
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE NOT is_excluded OR l.kind = 'overage') AS events,
        count(*) FILTER (WHERE is_excluded) AS excluded_events,
        trim_scale(coalesce(sum(amount - excluded), 0)) AS exact_sum,
        encode(sha256(coalesce(string_agg(hash, ''::bytea ORDER BY event_id COLLATE "C"), '')), 'hex')
          AS digest
      FROM (${eventsBehind(invoiceId, lineNo)}) e
    ) s
    WHERE i.invoice_id = ${invoiceId}::uuid AND l.line_no = ${lineNo}
      AND l.kind IN ('llm_usage', 'overage')
  `);
}

/** The events behind a line, a page at a time, in the order of their ids (bytes). */
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
    FROM (${eventsBehind(invoiceId, lineNo)}) e
    WHERE ${after}::text IS NULL OR event_id COLLATE "C" > ${after}::text
    ORDER BY event_id COLLATE "C" LIMIT ${limit}
  `);
}

function eventsBehind(invoiceId: string, lineNo: number) {
  const excluded = sql.fragment`
    LEFT JOIN (
      SELECT x.source, x.event_id, x.amount
      FROM invoice_exclusions le JOIN usage_exclusions x USING (exclusion_id)
      WHERE le.invoice_id = ${invoiceId}::uuid
    ) x`;
  return sql.fragment`
    SELECT e.gateway_request_id AS event_id, e.occurred_at, e.received_at, e.model, e.input_tokens,
      e.output_tokens, NULL::numeric AS qty, NULL::text AS replaces, e.charge_cents AS amount,
      coalesce(x.amount, 0) AS excluded, x.event_id IS NOT NULL AS is_excluded,
      e.content_hash AS hash
    FROM invoice_usage u JOIN llm_usage_events e USING (bucket_id)
    ${excluded} ON x.source = 'llm' AND x.event_id = e.gateway_request_id
    WHERE u.invoice_id = ${invoiceId}::uuid AND u.line_no = ${lineNo}
    UNION ALL
    SELECT r.record_id, r.occurred_at, r.received_at, NULL, NULL, NULL, r.qty, r.replaces,
      r.added_qty, coalesce(x.amount, 0), x.event_id IS NOT NULL, r.content_hash
    FROM invoice_usage u JOIN metered_usage_records r USING (bucket_id)
    ${excluded} ON x.source = 'metered' AND x.event_id = r.record_id
    WHERE u.invoice_id = ${invoiceId}::uuid AND u.line_no = ${lineNo}`;
}
