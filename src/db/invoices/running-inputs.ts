import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import { isDue } from '../month-end/due-tenants.ts';
import { freeItems, freeItemsSchema } from '../month-end/unbilled-items.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { taxTermsOf, taxTermsSchema } from '../tax/tax-terms.ts';
import type { HeldUsage } from '../usage/held-usage.ts';
import { IS_UNFINISHED, isGivenUp } from '../usage/seal.ts';

/**
 * What a tenant's running month is composed from, besides subscriptions. Statements read only what the tenant's own
 * role may read (`src/db/access/rights.ts`).
 */

const running = z.object({
  tenantId: z.string(),
  currency: z.string(),
  tax: taxTermsSchema,
  /** Invoice items that the month's invoice could take if it were issued now. */
  items: freeItemsSchema,
  /** Whether what the last month leaves is known, and visible to the tenant. */
  isLastMonthSettled: z.boolean(),
});
export type RunningTenant = z.infer<typeof running>;

/**
 * Returns a tenant as its running month needs it; null if there is no such tenant.
 * @param last the month before the period
 */
export function readRunningTenant(
  db: Queryable,
  tenantId: string,
  period: Period,
  last: Period,
): Promise<RunningTenant | null> {
  return db.maybeOne(sql.type(running)`
    SELECT t.tenant_id AS "tenantId", t.currency,
      ${taxTermsOf(period, sql.fragment`t.tenant_id`, sql.fragment`t.currency`)} AS tax,
      ${freeItems(period, sql.fragment`t.tenant_id`)} AS items,
      ${isSettled(last)} AS "isLastMonthSettled"
    FROM tenants t WHERE t.tenant_id = ${tenantId}
  `);
}

/**
 * Condition on a tenant `t`: what the month leaves is known, and visible to the tenant. That is so once its invoice is
 * released; without one, once its month end has passed, or if nothing makes the tenant due. Until then the tenant must not
 * see what that invoice takes, and its own month must not bill what that invoice will.
 */
function isSettled(month: Period) {
  return sql.fragment`CASE
    WHEN EXISTS (
      SELECT FROM releases r WHERE r.tenant_id = t.tenant_id AND r.period_start = ${month.periodStart}
    ) THEN true
    ELSE CASE month_end_state(t.tenant_id, ${month.periodStart}::date)
      WHEN 'invoiced' THEN false
      WHEN 'passed' THEN true
      ELSE NOT ${isDue(month, sql.fragment`t.tenant_id`)} END
    END`;
}

/**
 * Returns the usage that the period's first invoice would take if it were issued now, by the rules of
 * `openSealedDrafts`. The owner is the tenant. There are few buckets per deployment and kind or model, so reading them
 * doesn't depend on the number of events.
 * @param withEarlier whether to include late LLM usage of earlier months
 */
export function usageToTake(tenantId: string, period: Period, withEarlier: boolean): HeldUsage {
  const isTaken = sql.fragment`b.event_count > 0 AND (
    b.service_month = ${period.periodStart}
    OR (${withEarlier} AND b.source = 'llm' AND b.service_month < ${period.periodStart}))`;
  return {
    buckets: sql.fragment`
      SELECT b.tenant_id AS owner, b.* FROM usage_buckets b
      WHERE b.tenant_id = ${tenantId} AND b.sealed_for IS NULL AND ${isTaken}
      UNION ALL
      SELECT b.tenant_id AS owner, b.* FROM invoice_drafts a JOIN usage_buckets b ON b.sealed_for = a.draft_id
      WHERE a.tenant_id = ${tenantId} AND ${IS_UNFINISHED} AND ${isGivenUp(period)} AND ${isTaken}`,
    exclusions: sql.fragment`e.tenant_id = ${tenantId}`,
  };
}
