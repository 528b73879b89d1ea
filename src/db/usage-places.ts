import { z } from 'zod';
import type { Period } from '../domain/period.ts';
import type { Queryable } from './pool.ts';
import { USAGE_STATE_NAMES, usageByState, type UsageState } from './reconciliation.ts';
import { sql } from './sql.ts';

const place = z.object({
  tenant_id: z.string(),
  deployment_id: z.string(),
  source: z.enum(['llm', 'metered']),
  resource_kind: z.string(),
  state: z.enum(USAGE_STATE_NAMES),
  events: z.string(),
  total: z.string(),
  /** The number of the invoice that stands for the month, if there is one. */
  invoice: z.string().nullable(),
});
/** A deployment's usage of a kind that is in one state. */
export type UsagePlace = z.infer<typeof place>;

/** A month's usage in one state, by tenant, deployment and kind: the names behind the reconciliation. */
export function listUsagePlaces(
  db: Queryable,
  period: Period,
  states: readonly UsageState[],
  limit: number,
): Promise<readonly UsagePlace[]> {
  return db.any(sql.type(place)`
    SELECT u.tenant_id, u.deployment_id, u.source, u.resource_kind, u.state,
      sum(u.events)::text AS events, trim_scale(sum(u.total)) AS total, i.number AS invoice
    FROM (${usageByState(period)}) u LEFT JOIN invoices i ON i.invoice_id = u.live_invoice_id
    WHERE u.state = ANY(${sql.array([...states], 'text')})
    GROUP BY u.tenant_id, u.deployment_id, u.source, u.resource_kind, u.state, i.number
    ORDER BY u.tenant_id COLLATE "C", u.deployment_id, u.source, u.resource_kind, u.state
    LIMIT ${limit}
  `);
}
