import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import { dueTenants } from './due-tenants.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { isApplied, stands } from '../standing.ts';
import { adjustedDispositions } from '../usage/disposition.ts';

/**
 * The states of a month's usage, each with its class in the control totals:
 * - `billed`, `within_allowance`: on a live invoice or an adjustment note;
 * - `free_by_plan`: the same, of a kind that the plan has without a price;
 * - `unpriced_kind`, `no_subscription`: the same, but without a line for it, because the deployment's plan doesn't have
 *   the kind, or the deployment has no subscription in the month;
 * - `voided`: on a void invoice, or metered usage that arrived after it. A forced rerun that names the tenant issues the
 *   next revision, which takes it;
 * - `next_invoice`: LLM usage that arrived after the month was invoiced. It makes the tenant due for the next
 *   month, whose run bills it;
 * - `needs_re_run`: metered usage that arrived after the month was invoiced, and that only a rerun bills: on a revision,
 *   or on an adjustment note if the invoice is settled;
 * - `in_draft`: sealed for an invoice that is being built, or whose building was interrupted;
 * - `tenant_not_due`: metered usage that nothing bills, because none of the tenant's subscriptions touches the
 *   month;
 * - `not_yet_invoiced`: the tenant is due and has no invoice yet;
 * - `excluded`: an operator excluded it from billing;
 * - `unaccounted`: in none of these states, which must never happen.
 */
export const USAGE_STATES = {
  billed: 'billed',
  within_allowance: 'billed',
  free_by_plan: 'billed',
  unpriced_kind: 'unbilled',
  no_subscription: 'unbilled',
  voided: 'pending',
  next_invoice: 'pending',
  needs_re_run: 'pending',
  in_draft: 'pending',
  tenant_not_due: 'pending',
  not_yet_invoiced: 'pending',
  excluded: 'excluded',
  unaccounted: 'unaccounted',
} as const;
export type UsageState = keyof typeof USAGE_STATES;
export const USAGE_STATE_NAMES = Object.keys(USAGE_STATES) as [UsageState, ...UsageState[]];

const row = z.object({
  source: z.enum(['llm', 'metered']),
  resource_kind: z.string(),
  /** The currency of LLM usage, whose total is in the minor unit. Null: metered usage. */
  currency: z.string().nullable(),
  state: z.enum(USAGE_STATE_NAMES),
  tenants: z.number(),
  events: z.string(),
  /** Exact: cents for LLM usage, the quantity for metered usage. */
  total: z.string(),
});
export type ReconciliationRow = z.infer<typeof row>;

/**
 * Selects the currency of LLM usage, given a usage row's `source` and its tenant `t`: charges in different
 * currencies can't be summed.
 */
export const CURRENCY_OF_USAGE = sql.fragment`CASE source WHEN 'llm' THEN t.currency END`;

/**
 * Returns all accepted usage of a service month by state: every event is in exactly one row. The cost depends
 * on the number of the month's buckets, not of its events.
 */
export function reconcile(db: Queryable, period: Period): Promise<readonly ReconciliationRow[]> {
  return db.any(sql.type(row)`
    SELECT source, resource_kind, ${CURRENCY_OF_USAGE} AS currency, state,
      count(DISTINCT tenant_id) AS tenants, sum(events)::text AS events,
      trim_scale(sum(total)) AS total
    FROM (${usageByState(period)}) usage JOIN tenants t USING (tenant_id)
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  `);
}

/**
 * Returns a query for the month's usage: for each bucket, a row with the usage that still counts and a row with
 * the excluded usage, each with its state. The usage that still counts may be an amount without events, because
 * excluding a correction also removes the quantity of the record it replaced. An exclusion takes effect once no
 * invoice bills its event: an invoice that was issued earlier keeps billing it until a rerun. Usage of an adjusted
 * invoice has the state that its newest note leaves it in.
 * @param tenantId only this tenant's usage; null: all usage
 */
export function usageByState(period: Period, tenantId: string | null = null) {
  const ofTenant = tenantId === null ? sql.fragment`` : sql.fragment`AND b.tenant_id = ${tenantId}`;
  return sql.fragment`
    -- One object, in which each bucket is looked up, as in plansOf, for the same reason.
    WITH adjusted AS MATERIALIZED (
      SELECT coalesce(jsonb_object_agg(a.bucket_id, a.disposition), '{}') AS of_bucket
      FROM (${adjustedDispositions(period, tenantId)}) a
    ), place AS (
      SELECT b.*, holder.invoice_id, live.invoice_id AS live_invoice_id, CASE
          WHEN holder.status = 'void' THEN 'voided'
          WHEN holder.status = 'issued' THEN CASE WHEN u.disposition IS NULL THEN 'unaccounted'
            ELSE coalesce((SELECT of_bucket FROM adjusted) ->> b.bucket_id::text, u.disposition) END
          WHEN draft.state = 'open' THEN 'in_draft'
          WHEN draft.state <> 'abandoned' THEN 'unaccounted'
          WHEN live.invoice_id IS NULL AND due.tenant_id IS NOT NULL THEN 'not_yet_invoiced'
          WHEN b.source = 'llm' THEN 'next_invoice'
          WHEN live.invoice_id IS NULL THEN 'tenant_not_due'
          WHEN live.status = 'void' THEN 'voided'
          ELSE 'needs_re_run' END AS state
      FROM usage_buckets b
      LEFT JOIN invoice_drafts draft ON draft.draft_id = b.sealed_for
      LEFT JOIN invoices holder ON holder.invoice_id = b.sealed_for
      LEFT JOIN invoice_usage u ON u.invoice_id = b.sealed_for AND u.bucket_id = b.bucket_id
      LEFT JOIN invoices live ON live.tenant_id = b.tenant_id
        AND live.period_start = b.service_month AND ${stands('live')}
      LEFT JOIN (${dueTenants(period)}) due ON due.tenant_id = b.tenant_id
      WHERE b.service_month = ${period.periodStart} AND b.event_count > 0 ${ofTenant}
    ), left_out AS (
      SELECT p.bucket_id, count(*) AS events, sum(e.amount) AS total
      FROM place p JOIN usage_exclusions e USING (bucket_id)
      WHERE p.invoice_id IS NULL OR p.state = 'voided' OR ${isApplied('e')}
      GROUP BY p.bucket_id
    )
    SELECT p.source, p.tenant_id, p.deployment_id, p.resource_kind, p.live_invoice_id, p.sealed_for,
      p.state, p.event_count - coalesce(x.events, 0) AS events, p.total - coalesce(x.total, 0) AS total
    FROM place p LEFT JOIN left_out x USING (bucket_id)
    WHERE p.event_count > coalesce(x.events, 0) OR p.total <> coalesce(x.total, 0)
    UNION ALL
    SELECT p.source, p.tenant_id, p.deployment_id, p.resource_kind, p.live_invoice_id, p.sealed_for,
      'excluded', x.events, x.total
    FROM place p JOIN left_out x USING (bucket_id)`;
}
