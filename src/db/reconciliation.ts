import { z } from 'zod';
import type { Period } from '../domain/period.ts';
import { dueTenants } from './due-tenants.ts';
import type { Queryable } from './pool.ts';
import { sql } from './sql.ts';

/**
 * Where a month's usage is:
 * - `billed`, `within_allowance`: on a live invoice;
 * - `unpriced_kind`, `no_subscription`: taken by a live invoice that has no line for it;
 * - `next_invoice`: LLM usage that came after the month was invoiced;
 * - `needs_re_run`: metered usage that did, and would change the overage;
 * - `settle_by_hand`: the same where the invoice is paid or void and never rebuilt;
 * - `in_draft`: sealed for an invoice that is being built, or whose building was cut off;
 * - `tenant_not_due`: no invoice of this month will take it (LLM usage goes onto the
 *   tenant's next one, if there is one);
 * - `not_yet_invoiced`: the tenant is due and has no invoice yet.
 */
const USAGE_STATES = [
  'billed',
  'within_allowance',
  'unpriced_kind',
  'no_subscription',
  'next_invoice',
  'needs_re_run',
  'settle_by_hand',
  'in_draft',
  'tenant_not_due',
  'not_yet_invoiced',
] as const;

const row = z.object({
  source: z.enum(['llm', 'metered']),
  resource_kind: z.string(),
  state: z.enum(USAGE_STATES),
  tenants: z.number(),
  events: z.string(),
  /** Exact: cents of LLM usage, the quantity of metered usage. */
  total: z.string(),
});
export type ReconciliationRow = z.infer<typeof row>;

/**
 * All accepted usage of a service month by where it is: every event is in one row.
 * Costs the month's buckets, not its events.
 */
export function reconcile(db: Queryable, period: Period): Promise<readonly ReconciliationRow[]> {
  return db.any(sql.type(row)`
    SELECT source, resource_kind, state, count(DISTINCT tenant_id) AS tenants,
      sum(event_count)::text AS events, trim_scale(sum(total)) AS total
    FROM (
      SELECT b.source, b.resource_kind, b.tenant_id, b.event_count, b.total, CASE
        WHEN holder.invoice_id IS NOT NULL THEN u.disposition
        WHEN draft.state = 'open' THEN 'in_draft'
        WHEN live.invoice_id IS NOT NULL AND b.source = 'llm' THEN 'next_invoice'
        WHEN live.status = 'issued' THEN 'needs_re_run'
        WHEN live.invoice_id IS NOT NULL THEN 'settle_by_hand'
        WHEN due.tenant_id IS NULL THEN 'tenant_not_due'
        ELSE 'not_yet_invoiced' END AS state
      FROM usage_buckets b
      LEFT JOIN invoice_drafts draft ON draft.draft_id = b.sealed_for
      LEFT JOIN invoices holder ON holder.invoice_id = b.sealed_for
      LEFT JOIN invoice_usage u ON u.invoice_id = b.sealed_for AND u.bucket_id = b.bucket_id
      LEFT JOIN invoices live ON live.tenant_id = b.tenant_id
        AND live.period_start = b.service_month AND live.status IN ('issued', 'paid', 'void')
      LEFT JOIN (${dueTenants(period)}) due ON due.tenant_id = b.tenant_id
      WHERE b.service_month = ${period.periodStart} AND b.event_count > 0
    ) usage
    GROUP BY source, resource_kind, state
    ORDER BY source, resource_kind, state
  `);
}
