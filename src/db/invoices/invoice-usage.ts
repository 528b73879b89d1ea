import type { Period } from '../../domain/period.ts';
import type { Transaction } from '../pool.ts';
import { isOneOf, rowsAs, sql } from '../sql.ts';
import { isChargedBy } from '../usage/held-usage.ts';

/** The usage that an invoice holds, and how the invoice treats it. */

/** Moves the usage of drafts or invoices, with its exclusions, to other invoices. */
export async function moveUsage(
  tx: Transaction,
  moves: readonly { readonly from: string | null; readonly to: string }[],
): Promise<void> {
  if (moves.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    WITH move AS (
      SELECT * FROM ${rowsAs('m', { from: 'uuid', to: 'uuid' }, moves)}
    ), exclusions AS (
      UPDATE usage_exclusions e SET applied_to = move."to"
      FROM move WHERE e.applied_to = move."from"
    )
    UPDATE usage_buckets b SET sealed_for = move."to"
    FROM move WHERE b.sealed_for = move."from"
  `);
}

/**
 * Returns a statement that links each bucket to its invoice line, or records why it has none: within the
 * allowance, a kind that the plan never bills, a kind that the plan doesn't have, a deployment without a
 * subscription in the period, or excluded completely. The plan is that of the deployment's last subscription,
 * which prices its overage. Existing links stay as they are.
 */
export function tyingUsage(period: Period, invoiceIds: readonly string[]) {
  // One object of all deployments' plans, in which each bucket is looked up: a join with rows from inside JSON,
  // whose number the planner can't know, could compare each bucket with each deployment.
  const planOf = sql.fragment`(SELECT plans FROM billed) ->> (b.sealed_for || ' ' || b.deployment_id)`;
  return sql.fragment`
    INSERT INTO invoice_usage (invoice_id, bucket_id, line_no, disposition)
    WITH billed AS MATERIALIZED (
      SELECT coalesce(jsonb_object_agg(c.invoice_id || ' ' || (d ->> 'deploymentId'),
        d -> 'subscriptions' -> -1 ->> 'planVersionId'), '{}') AS plans
      FROM invoice_compositions c CROSS JOIN LATERAL jsonb_array_elements(c.deployments) d
      WHERE c.invoice_id ${isOneOf(invoiceIds, 'uuid')}
    )
    SELECT b.sealed_for, b.bucket_id, line.line_no, CASE
      WHEN line.line_no IS NOT NULL THEN 'billed'
      WHEN b.source = 'llm' THEN 'excluded'
      WHEN ${planOf} IS NULL THEN 'no_subscription'
      WHEN item.resource_kind IS NULL THEN 'unpriced_kind'
      WHEN item.overage_price_cents IS NULL THEN 'free_by_plan'
      ELSE 'within_allowance' END
    FROM usage_buckets b
    LEFT JOIN invoice_lines line ON line.invoice_id = b.sealed_for
      AND ${isChargedBy(sql.fragment`${period.month}`)}
    LEFT JOIN plan_items item ON item.plan_version_id = ${planOf}
      AND item.resource_kind = b.resource_kind
    WHERE b.sealed_for ${isOneOf(invoiceIds, 'uuid')}
    ON CONFLICT DO NOTHING`;
}

/** Returns a statement that records which exclusions each invoice applies. */
export function notingExclusions(invoiceIds: readonly string[]) {
  return sql.fragment`
    INSERT INTO invoice_exclusions (invoice_id, exclusion_id)
    SELECT applied_to, exclusion_id FROM usage_exclusions
    WHERE applied_to ${isOneOf(invoiceIds, 'uuid')}
    ON CONFLICT DO NOTHING`;
}
