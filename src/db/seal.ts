import type { DraftRef } from '../contracts/month-end.ts';
import type { Period } from '../domain/period.ts';
import type { Transaction } from './pool.ts';
import { jsonRows, sql } from './sql.ts';

/**
 * Seals the tenants' usage for their drafts: nothing that arrives later can come
 * between quote and issue. What is taken (SPEC: Usage):
 * - metered usage of the period;
 * - LLM usage of the period, and for a first invoice of every earlier month too;
 * - of both, what is open and what abandoned drafts had sealed.
 * The buckets are locked in the order in which ingestion locks them.
 */
export async function sealUsage(
  tx: Transaction,
  period: Period,
  drafts: readonly (DraftRef & {
    readonly isRevision: boolean;
    readonly hasUnissuedDrafts: boolean;
  })[],
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    WITH draft AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${jsonRows(drafts)})
        AS d ("tenantId" text, "draftId" uuid, "isRevision" boolean)
    ), taken AS MATERIALIZED (
      SELECT b.bucket_id, draft."draftId"
      FROM draft JOIN usage_buckets b ON b.tenant_id = draft."tenantId"
      WHERE b.sealed_for IS NULL AND b.event_count > 0 AND ${isBillable(period)}
      ORDER BY b.source, b.deployment_id, b.resource_kind, b.service_month
      FOR UPDATE OF b
    )
    UPDATE usage_buckets b SET sealed_for = taken."draftId"
    FROM taken WHERE b.bucket_id = taken.bucket_id
  `);
  const heirs = drafts.filter(({ hasUnissuedDrafts }) => hasUnissuedDrafts);
  if (heirs.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE usage_buckets b SET sealed_for = draft."draftId"
    FROM jsonb_to_recordset(${jsonRows(heirs)})
        AS draft ("tenantId" text, "draftId" uuid, "isRevision" boolean)
      JOIN invoice_drafts a ON a.tenant_id = draft."tenantId" AND a.state = 'abandoned'
    WHERE b.sealed_for = a.draft_id AND ${isBillable(period)}
  `);
}

/**
 * What of a bucket `b` an invoice of this period bills; see {@link sealUsage}. The caller's
 * `draft` says whether it is a revision.
 */
export function isBillable(period: Period) {
  return sql.fragment`(
    b.service_month = ${period.periodStart}
    OR (b.source = 'llm' AND b.service_month < ${period.periodStart} AND NOT draft."isRevision")
  )`;
}

/**
 * Leaves out of the drafts what was excluded from the usage that they hold: sealed for them, or
 * by the invoices that they replace. What abandoned drafts have left out is taken over from them.
 */
export async function claimExclusions(
  tx: Transaction,
  drafts: readonly (DraftRef & { readonly replacesInvoiceId: string | null })[],
): Promise<void> {
  if (drafts.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE usage_exclusions e SET applied_to = d."draftId"
    FROM jsonb_to_recordset(${jsonRows(drafts)})
        AS d ("tenantId" text, "draftId" uuid, "replacesInvoiceId" uuid),
      usage_buckets b
    WHERE e.tenant_id = d."tenantId" AND (e.applied_to IS NULL OR EXISTS (
        SELECT FROM invoice_drafts a WHERE a.draft_id = e.applied_to AND a.state = 'abandoned'
      ))
      AND b.bucket_id = e.bucket_id AND b.sealed_for IN (d."draftId", d."replacesInvoiceId")
  `);
}
