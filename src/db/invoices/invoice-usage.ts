import type { Period } from '../../domain/period.ts';
import type { Transaction } from '../pool.ts';
import { isOneOf, rowsAs, sql } from '../sql.ts';
import { dispositionOf, plansOf } from '../usage/disposition.ts';
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
 * Returns a statement that links each bucket to its invoice line, or records why it has none (`dispositionOf`), by what
 * the document was composed from. Existing links stay as they are: what a later note makes of them is derived
 * (`adjustedDispositions`).
 */
export function tyingUsage(period: Period, invoiceIds: readonly string[]) {
  const planOf = sql.fragment`(SELECT plans FROM billed) ->> (b.sealed_for || ' ' || b.deployment_id)`;
  return sql.fragment`
    INSERT INTO invoice_usage (invoice_id, bucket_id, line_no, disposition)
    WITH billed AS MATERIALIZED (
      ${plansOf(sql.fragment`
        SELECT * FROM invoice_compositions WHERE invoice_id ${isOneOf(invoiceIds, 'uuid')}`)}
    )
    SELECT b.sealed_for, b.bucket_id, line.line_no,
      ${dispositionOf(sql.fragment`line.line_no IS NOT NULL`, planOf)}
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
