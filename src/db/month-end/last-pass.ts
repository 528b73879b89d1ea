import { z } from 'zod';
import { monthStart, type Month } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

/** What the manifest of a month's last pass says. Reading it scans nothing, but it is as old as the pass. */

const lastPass = z.object({
  finished_at: z.string(),
  balanced: z.boolean(),
  imbalances: z.array(z.string()),
  /** All accepted usage of the service month, by kind. */
  usage: z.array(
    z.object({
      source: z.enum(['llm', 'metered']),
      resource_kind: z.string(),
      /** Null: metered usage. */
      currency: z.string().nullable(),
      /** Exact cents or a quantity, with what is excluded. */
      total: z.string(),
      places: z.array(z.object({ class: z.string(), total: z.string() })),
    }),
  ),
});
export type LastPass = z.infer<typeof lastPass>;

/**
 * Returns the control totals of a month as of the end of its last pass; null if no request has been served.
 * @throws DomainError `invalid_month`
 */
export function readLastPass(db: Queryable, month: Month): Promise<LastPass | null> {
  return db.maybeOne(sql.type(lastPass)`
    SELECT finished_at, (manifest ->> 'balanced')::boolean AS balanced, manifest -> 'imbalances' AS imbalances,
      manifest -> 'usage' AS usage
    FROM month_end_requests
    WHERE period_start = ${monthStart(month)} AND state = 'finished' AND manifest IS NOT NULL
    ORDER BY request_seq DESC LIMIT 1
  `);
}
