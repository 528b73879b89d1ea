import { z } from 'zod';
import { MAX_BATCH, RECORD_STATUSES } from '../../contracts/batch.ts';
import { HttpProblem, invalidRequest } from './problems.ts';

/** Bodies that hold one entry, or a batch of them that are handled one by one. */

export type JsonFields = Readonly<Record<string, unknown>>;

/** Any JSON object; the handler validates each entry separately, because a bad one must not fail its batch. */
export const anyObject = z.custom<JsonFields>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  { error: 'expected a JSON object' },
);

/**
 * Returns the entries of a batch, not validated.
 * @param batchField the name of the field that holds them
 * @throws HttpProblem `invalid-request`, `too-large`
 */
export function readBatch(body: JsonFields, batchField: string): readonly unknown[] {
  const [unknown] = Object.keys(body).filter((key) => key !== batchField);
  if (unknown !== undefined) {
    throw invalidRequest([
      { pointer: '', detail: `"${batchField}" cannot be combined with other fields` },
    ]);
  }
  const entries = body[batchField];
  if (!Array.isArray(entries) || entries.length === 0) {
    throw invalidRequest([{ pointer: `/${batchField}`, detail: 'expected a non-empty list' }]);
  }
  if (entries.length > MAX_BATCH) {
    throw new HttpProblem(
      'too-large',
      `a batch can have at most ${MAX_BATCH} entries, this one has ${entries.length}`,
    );
  }
  return entries;
}

/**
 * Returns the schema of the reply to a batch of payments or invoice items: the counts by status, and a result per entry.
 * @param what an entry, `item`; its id is the field `item_id`
 * @param extra the result's other fields
 */
export function recordedBatch<What extends string, Extra extends z.ZodRawShape>(
  what: What,
  extra: Extra,
) {
  const id = z.string().nullable().describe(`Null if the ${what} has no readable id.`);
  return z.object({
    counts: z.object({
      recorded: z.int(),
      duplicate: z.int(),
      conflict: z.int(),
      rejected: z.int(),
    }),
    results: z.array(
      z.object({
        index: z.int(),
        ...({ [`${what}_id`]: id } as Record<`${What}_id`, typeof id>),
        status: z.enum(RECORD_STATUSES).describe('`conflict` and `rejected` are final.'),
        ...extra,
        reason: z.string().optional(),
        errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
      }),
    ),
  });
}
