import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { CURRENCY_OF_USAGE } from './reconciliation.ts';

const usage = z.object({
  source: z.enum(['llm', 'metered']),
  resource_kind: z.string(),
  /** Null: metered usage. */
  currency: z.string().nullable(),
  events: z.number(),
  /** Exact cents of LLM usage, a quantity of metered usage. */
  total: z.string(),
});
export type UsageTotal = z.infer<typeof usage>;

/**
 * Returns the usage of a month, of all tenants together, by kind, without excluded events. Reads the month's buckets and no
 * events.
 */
export function sumUsage(db: Queryable, { periodStart }: Period): Promise<readonly UsageTotal[]> {
  return db.any(sql.type(usage)`
    SELECT source, resource_kind, currency, sum(events)::bigint AS events, trim_scale(sum(total)) AS total
    FROM (
      SELECT source, resource_kind, ${CURRENCY_OF_USAGE} AS currency, sum(event_count) AS events, sum(total) AS total
      FROM usage_buckets JOIN tenants t USING (tenant_id)
      WHERE service_month = ${periodStart} GROUP BY 1, 2, 3
      UNION ALL
      SELECT b.source, b.resource_kind, CASE b.source WHEN 'llm' THEN t.currency END, -count(*), -sum(e.amount)
      FROM usage_buckets b JOIN usage_exclusions e USING (bucket_id) JOIN tenants t ON t.tenant_id = b.tenant_id
      WHERE b.service_month = ${periodStart} GROUP BY 1, 2, 3
    ) parts
    GROUP BY 1, 2, 3 HAVING sum(events) > 0 OR sum(total) <> 0 ORDER BY 1, 2, 3
  `);
}
