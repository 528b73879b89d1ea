import { z } from 'zod';
import type { DraftRef } from '../../contracts/month-end-types.ts';
import type { Period } from '../../domain/period.ts';
import { columnArray } from '../column-arrays.ts';
import type { Transaction } from '../pool.ts';
import { jsonRows, sql } from '../sql.ts';

/** A tenant whose draft is to be opened. */
export interface TenantToOpen {
  readonly tenantId: string;
  /** The child's run id: nobody else may write to the draft. */
  readonly owner: string;
  /** UTC instant at which that run started. */
  readonly ownerStartedAt: string;
  /** The revision that it is going to replace. */
  readonly replacesInvoiceId: string | null;
  /** Some of which may be abandoned, and have left usage to take over. */
  readonly hasUnissuedDrafts: boolean;
}

/**
 * Opens one draft a tenant and seals the tenant's usage for it: nothing that arrives later can come
 * between quote and issue. What is taken (docs/spec.md#usage):
 * - metered usage of the period;
 * - LLM usage of the period, and for a first invoice of every earlier month too;
 * - of both, what is open and what abandoned drafts had sealed.
 * The buckets are locked in the order in which ingestion locks them.
 */
export async function openSealedDrafts(
  tx: Transaction,
  period: Period,
  tenants: readonly TenantToOpen[],
): Promise<readonly DraftRef[]> {
  const column = (read: (tenant: TenantToOpen) => string | null) => columnArray(tenants.map(read));
  const drafts = await tx.any(sql.type(z.object({ tenantId: z.string(), draftId: z.string() }))`
    WITH draft AS (
      INSERT INTO invoice_drafts
        (tenant_id, period_start, owner, owner_started_at, replaces_invoice_id)
      -- By arrays, whose lengths the planner knows: of \`json_to_recordset\` it expects 100 rows, and reads all open buckets.
      SELECT "tenantId", ${period.periodStart}, owner, "ownerStartedAt", "replacesInvoiceId"
      FROM unnest(${column((t) => t.tenantId)}::text[], ${column((t) => t.owner)}::text[],
          ${column((t) => t.ownerStartedAt)}::timestamptz[],
          ${column((t) => t.replacesInvoiceId)}::uuid[])
        AS t ("tenantId", owner, "ownerStartedAt", "replacesInvoiceId")
      RETURNING tenant_id AS "tenantId", draft_id AS "draftId",
        replaces_invoice_id IS NOT NULL AS "isRevision"
    ), taken AS MATERIALIZED (
      SELECT b.bucket_id, draft."draftId"
      FROM draft JOIN usage_buckets b ON b.tenant_id = draft."tenantId"
      WHERE b.sealed_for IS NULL AND b.event_count > 0 AND ${isBillable(period)}
      ORDER BY b.source, b.deployment_id, b.resource_kind, b.service_month
      FOR UPDATE OF b
    ), sealed AS (
      UPDATE usage_buckets b SET sealed_for = taken."draftId"
      FROM taken WHERE b.bucket_id = taken.bucket_id
    )
    SELECT "tenantId", "draftId" FROM draft
  `);
  const heirs = new Set(
    tenants.flatMap(({ tenantId, hasUnissuedDrafts }) => (hasUnissuedDrafts ? tenantId : [])),
  );
  const revisions = new Set(
    tenants.flatMap(({ tenantId, replacesInvoiceId }) => (replacesInvoiceId ? tenantId : [])),
  );
  await takeOver(
    tx,
    period,
    drafts
      .filter(({ tenantId }) => heirs.has(tenantId))
      .map((draft) => ({ ...draft, isRevision: revisions.has(draft.tenantId) })),
  );
  return drafts;
}

/** Seals for drafts what abandoned ones had sealed. */
async function takeOver(
  tx: Transaction,
  period: Period,
  heirs: readonly (DraftRef & { readonly isRevision: boolean })[],
): Promise<void> {
  if (heirs.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE usage_buckets b SET sealed_for = draft."draftId"
    FROM json_to_recordset(${jsonRows(heirs)})
        AS draft ("tenantId" text, "draftId" uuid, "isRevision" boolean)
      JOIN invoice_drafts a ON a.tenant_id = draft."tenantId" AND a.state = 'abandoned'
    WHERE b.sealed_for = a.draft_id AND ${isBillable(period)}
  `);
}

/**
 * What of a bucket `b` an invoice of this period bills; see {@link openSealedDrafts}. The caller's
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
    FROM json_to_recordset(${jsonRows(drafts)})
        AS d ("tenantId" text, "draftId" uuid, "replacesInvoiceId" uuid),
      usage_buckets b
    WHERE e.tenant_id = d."tenantId" AND (e.applied_to IS NULL OR EXISTS (
        SELECT FROM invoice_drafts a WHERE a.draft_id = e.applied_to AND a.state = 'abandoned'
      ))
      AND b.bucket_id = e.bucket_id AND b.sealed_for IN (d."draftId", d."replacesInvoiceId")
  `);
}
