import { z } from 'zod';
import { HttpProblem, invalidRequest } from './problems.ts';

/** Bodies that hold one entry, or a batch of them that are handled one by one. */

/** Limit for the entries in one batch. */
export const MAX_BATCH = 1_000;

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
