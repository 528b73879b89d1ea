import type { FragmentSqlToken } from 'slonik';
import type { Period } from '../../domain/period.ts';
import { sql } from '../sql.ts';
import { stands } from '../standing.ts';

/** How documents treat the usage that they hold: with a line for it, or why there is none. */

/**
 * Selects the disposition of a bucket `b`, given the plan item `item` that prices it: `billed`, or why it has no line:
 * within the allowance, a kind that the plan never bills, a kind that the plan doesn't have, a deployment without a
 * subscription in the period, or excluded completely.
 * @param hasLine condition: a line charges for it
 * @param plan the version of the plan that prices it, that of the deployment's last subscription; null if there is none
 */
export function dispositionOf(hasLine: FragmentSqlToken, plan: FragmentSqlToken) {
  return sql.fragment`CASE
    WHEN ${hasLine} THEN 'billed'
    WHEN b.source = 'llm' THEN 'excluded'
    WHEN ${plan} IS NULL THEN 'no_subscription'
    WHEN item.resource_kind IS NULL THEN 'unpriced_kind'
    WHEN item.overage_price_cents IS NULL THEN 'free_by_plan'
    ELSE 'within_allowance' END`;
}

/**
 * Selects one object of the plan that prices each deployment's overage, by `invoice_id deployment_id`, in which buckets
 * are looked up: a join with rows from inside JSON, whose number the planner can't know, could compare each bucket with
 * each deployment.
 * @param compositions rows of `invoice_compositions`
 */
export function plansOf(compositions: FragmentSqlToken) {
  return sql.fragment`
    SELECT coalesce(jsonb_object_agg(c.invoice_id || ' ' || (d ->> 'deploymentId'),
      d -> 'subscriptions' -> -1 ->> 'planVersionId'), '{}') AS plans
    FROM (${compositions}) c CROSS JOIN LATERAL jsonb_array_elements(c.deployments) d`;
}

/**
 * Selects (bucket_id, service_month, disposition) of the metered usage that adjusted invoices and their notes hold, as the
 * newest note of a rerun leaves it: by the lines in effect, and by the subscriptions that the note was composed from.
 * What `invoice_usage` says of it is how the document that took it treated it then. LLM usage is left out: it has a line
 * whatever the subscriptions are. The cost grows with the usage of adjusted invoices only.
 * @param period null: of all months
 * @param tenantId only this tenant's usage of the period; null: that of all tenants
 */
export function adjustedDispositions(period: Period | null, tenantId: string | null = null) {
  const ofPeriod =
    period === null ? sql.fragment`` : sql.fragment`AND n.period_start = ${period.periodStart}`;
  // By the tenant's live invoice: an adjusted invoice is settled, and a settled one is never replaced.
  const ofTenant =
    period === null || tenantId === null
      ? sql.fragment``
      : sql.fragment`AND n.adjusts_invoice_id = (
          SELECT live.invoice_id FROM invoices live
          WHERE live.tenant_id = ${tenantId} AND live.period_start = ${period.periodStart} AND ${stands('live')}
        )`;
  const plan = sql.fragment`(SELECT plans FROM composed) ->> (d.newest || ' ' || b.deployment_id)`;
  // Looked up for each of the few buckets: a join could compare each of them with each line.
  const hasLine = sql.fragment`(
    SELECT sum(l.qty) <> 0 OR sum(l.amount_cents) <> 0
    FROM invoices charging JOIN invoice_lines l USING (invoice_id)
    WHERE (charging.invoice_id = d.about OR charging.adjusts_invoice_id = d.about)
      AND l.deployment_id = b.deployment_id AND l.kind = 'overage' AND l.resource_kind = b.resource_kind
  )`;
  return sql.fragment`
    WITH adjusted AS MATERIALIZED (
      SELECT DISTINCT ON (n.adjusts_invoice_id) n.adjusts_invoice_id AS about, n.invoice_id AS newest
      FROM invoices n
      WHERE n.adjusts_invoice_id IS NOT NULL AND n.note_origin = 'rerun' ${ofPeriod} ${ofTenant}
      ORDER BY n.adjusts_invoice_id, n.revision DESC
    ), composed AS MATERIALIZED (
      ${plansOf(sql.fragment`SELECT c.* FROM adjusted JOIN invoice_compositions c ON c.invoice_id = newest`)}
    ), document AS (
      SELECT about, newest, about AS invoice_id FROM adjusted
      UNION ALL
      SELECT about, newest, n.invoice_id FROM adjusted JOIN invoices n ON n.adjusts_invoice_id = about
    )
    SELECT b.bucket_id, b.service_month, ${dispositionOf(hasLine, plan)} AS disposition
    FROM document d JOIN usage_buckets b ON b.sealed_for = d.invoice_id AND b.source = 'metered'
    LEFT JOIN plan_items item ON item.plan_version_id = ${plan} AND item.resource_kind = b.resource_kind`;
}
