import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import { touches } from '../month-end/due-tenants.ts';
import { freeItems, freeItemsSchema } from '../month-end/unbilled-items.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { taxTermsOf, taxTermsSchema } from '../tax/tax-terms.ts';
import type { HeldUsage } from '../usage/held-usage.ts';

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
      ${isReleasedOrEmpty(last)} AS "isLastMonthSettled"
    FROM tenants t WHERE t.tenant_id = ${tenantId}
  `);
}

/**
 * Condition on a tenant `t`: its invoice of the month is released, or there is nothing that the month would bill.
 * Until then the tenant must not see what that invoice takes, and its own month must not bill what that invoice will.
 */
function isReleasedOrEmpty(month: Period) {
  return sql.fragment`(
    EXISTS (
      SELECT FROM releases r WHERE r.tenant_id = t.tenant_id AND r.period_start = ${month.periodStart}
    ) OR NOT (EXISTS (
      SELECT FROM subscriptions s WHERE s.tenant_id = t.tenant_id AND ${touches(month, 's')}
    ) OR EXISTS (
      SELECT FROM usage_buckets b
      WHERE b.tenant_id = t.tenant_id AND b.service_month = ${month.periodStart} AND b.source = 'llm'
        AND b.event_count > 0
    ))
  )`;
}

/**
 * Returns the open usage that the period's first invoice would take if it were issued now. The owner is the tenant. There
 * is one open bucket per deployment and kind or model, so reading it doesn't depend on the number of events.
 * @param withEarlier whether to include late LLM usage of earlier months
 */
export function openUsage(
  tenantId: string,
  { periodStart }: Period,
  withEarlier: boolean,
): HeldUsage {
  return {
    buckets: sql.fragment`
      SELECT b.tenant_id AS owner, b.* FROM usage_buckets b
      WHERE b.tenant_id = ${tenantId} AND b.sealed_for IS NULL AND b.event_count > 0
        AND (b.service_month = ${periodStart} OR (${withEarlier} AND b.service_month < ${periodStart}))`,
    exclusions: sql.fragment`e.tenant_id = ${tenantId}`,
  };
}
