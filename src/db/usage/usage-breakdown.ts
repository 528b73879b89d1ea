import { z } from 'zod';
import { OTHER_MODELS } from '../../domain/llm-lines.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { eventsBehind, takenBack } from './events-behind.ts';

/** The LLM usage behind a line by model and by attribute. Fields have the names that the API serves. */

const sums = {
  requests: z.int().describe('Events that count.'),
  exact_cents: z
    .string()
    .describe('Exact cents, before any rounding. On an adjustment note: the difference.'),
};

export const modelSumSchema = z.object({
  model: z.string().nullable().describe('Null: all models beyond the 200 with sums of their own.'),
  ...sums,
});
export type ModelSum = z.infer<typeof modelSumSchema>;

export const attributeSumSchema = z.object({
  value: z.string().nullable().describe('Null: events without the attribute, or the rest.'),
  is_rest: z.boolean().describe('Whether it is all values beyond the first 200.'),
  ...sums,
});
export type AttributeSum = z.infer<typeof attributeSumSchema>;

/** Returns the sum of a model as that of a value. */
export function toValueSum({ model, ...sum }: ModelSum): AttributeSum {
  return { value: model, is_rest: model === null, ...sum };
}

/** Values of an attribute that are listed; the rest is one row. */
const MAX_VALUES = 200;

/**
 * Returns the LLM usage behind a line by model, largest sum first, all other models last. Reads the line's buckets only,
 * at most 201 for each document that holds some.
 */
export function sumByModel(
  db: Queryable,
  documentId: string,
  lineNo: number,
): Promise<readonly ModelSum[]> {
  return db.any(sql.type(modelSumSchema)`
    SELECT nullif(model, ${OTHER_MODELS}) AS model, sum(events)::bigint AS requests, trim_scale(sum(cents)) AS exact_cents
    FROM (
      SELECT b.model, b.event_count - x.events AS events, b.total - x.amount AS cents
      FROM invoice_usage u JOIN usage_buckets b USING (bucket_id)
      CROSS JOIN LATERAL (
        SELECT count(*) AS events, coalesce(sum(e.amount), 0) AS amount
        FROM invoice_exclusions le JOIN usage_exclusions e USING (exclusion_id)
        WHERE le.invoice_id = ${documentId}::uuid AND e.bucket_id = b.bucket_id
      ) x
      WHERE u.invoice_id = ${documentId}::uuid AND u.line_no = ${lineNo} AND b.source = 'llm'
      UNION ALL
      SELECT b.model, 0, -x.amount ${takenBack(documentId, lineNo)} AND x.source = 'llm'
    ) m
    GROUP BY m.model HAVING sum(events) <> 0 OR sum(cents) <> 0
    ORDER BY m.model = ${OTHER_MODELS}, sum(cents) DESC, m.model COLLATE "C"
  `);
}

/**
 * Returns the LLM usage behind a line by the values of an attribute, largest sum first; the rest last. Reads all of the
 * line's events; returns none if they have expired.
 */
export function sumByAttribute(
  db: Queryable,
  documentId: string,
  lineNo: number,
  name: string,
): Promise<readonly AttributeSum[]> {
  return db.any(sql.type(attributeSumSchema)`
    WITH by_value AS (
      SELECT attributes ->> ${name}::text AS value, count(*) FILTER (WHERE NOT is_excluded) AS requests,
        sum(amount - excluded) AS cents
      FROM (${eventsBehind(documentId, lineNo, null)}) e
      GROUP BY 1 HAVING count(*) FILTER (WHERE NOT is_excluded) > 0 OR sum(amount - excluded) <> 0
    ), ranked AS (
      SELECT *, row_number() OVER (ORDER BY cents DESC, value COLLATE "C") AS nth FROM by_value
    )
    SELECT CASE WHEN nth <= ${MAX_VALUES} THEN value END AS value, nth > ${MAX_VALUES} AS is_rest,
      sum(requests)::bigint AS requests, trim_scale(sum(cents)) AS exact_cents
    FROM ranked GROUP BY 1, 2, least(nth, ${MAX_VALUES + 1}) ORDER BY min(nth)
  `);
}
