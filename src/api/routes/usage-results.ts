import { z } from 'zod';
import { USAGE_STATUSES, type UsageResult } from '../../ingestion/results.ts';

/** Results of usage, with the same fields in batches and streams. */

export const countsSchema = z.object({
  accepted: z.int(),
  duplicate: z.int(),
  conflict: z.int(),
  retry_later: z.int(),
  rejected: z.int(),
});
export type Counts = z.infer<typeof countsSchema>;

/**
 * Returns the schema fields of an event's result.
 * @param idField the name of the event's id
 */
export function resultFields(idField: string) {
  return {
    [idField]: z.string().nullable().describe('Null if the event has no readable id.'),
    status: z
      .enum(USAGE_STATUSES)
      .describe(
        '`retry_later`: the correction arrived before the record it replaces. Nothing was stored; send it ' +
          'again later. `conflict` and `rejected` are final.',
      ),
    reason: z.string().optional(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  };
}

/** Counts results by status. */
export function countResults(results: readonly UsageResult[]): Counts {
  const counts = { accepted: 0, duplicate: 0, conflict: 0, retry_later: 0, rejected: 0 };
  for (const { status } of results) counts[status] += 1;
  return counts;
}

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    accepted: a.accepted + b.accepted,
    duplicate: a.duplicate + b.duplicate,
    conflict: a.conflict + b.conflict,
    retry_later: a.retry_later + b.retry_later,
    rejected: a.rejected + b.rejected,
  };
}

/** Returns the event's id to echo to the sender, at most 200 characters; null without one. */
export function readId(event: unknown, idField: string): string | null {
  if (typeof event !== 'object' || event === null || !Object.hasOwn(event, idField)) return null;
  const id = (event as Readonly<Record<string, unknown>>)[idField];
  return typeof id === 'string' ? id.slice(0, 200) : null;
}
