import { z } from 'zod';
import type { ApiKey } from '../../db/access/api-keys.ts';
import { text } from '../../ingestion/fields.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';

/** What an operator says of usage that is too old for its sender to send it. */
export const backfillQuery = z.strictObject({
  backfill_reason: text(200)
    .optional()
    .describe('Why an operator sends it: required with an operator key, and only allowed there.'),
});

/**
 * Whether the time bounds are lifted: for operators, who must say why.
 * @throws HttpProblem `invalid-request`, `forbidden`
 */
export function isBackfill(
  { scope }: Pick<ApiKey, 'scope'>,
  { backfill_reason: reason }: z.infer<typeof backfillQuery>,
): boolean {
  if (scope === 'operator') {
    if (reason !== undefined) return true;
    throw invalidRequest([
      { parameter: 'backfill_reason', detail: 'an operator must say why usage is sent' },
    ]);
  }
  if (reason === undefined) return false;
  throw new HttpProblem('forbidden', 'only an operator key can send a backfill');
}
