import { z } from 'zod';
import type { DraftRef } from '../../contracts/month-end-types.ts';
import type { Period } from '../../domain/period.ts';
import type { Transaction } from '../pool.ts';
import { rowsAs, sql, type PeriodBounds } from '../sql.ts';

/** A run of the child workflow that builds invoices. */
export interface Run {
  /** Id of the run. No other run may write to its drafts. */
  readonly owner: string;
  /** UTC instant at which the run started. */
  readonly ownerStartedAt: string;
}

/** A tenant that a draft is to be opened for. */
export interface TenantToOpen {
  readonly tenantId: string;
  /** The invoice that the draft is to replace or to adjust; null for a first invoice. */
  readonly replacesInvoiceId: string | null;
  /** Whether that invoice is void. */
  readonly replacesVoid: boolean;
  /** Whether the tenant has open or abandoned drafts. Abandoned ones may have sealed usage to take over. */
  readonly hasUnfinishedDrafts: boolean;
}

/**
 * Opens one draft per tenant and seals the tenant's usage for it, so that usage arriving later can't affect the
 * invoice between quote and issue. It seals (docs/spec.md#usage):
 * - metered usage of the period;
 * - LLM usage of the period and, for a first invoice, of every earlier month;
 * - of both, open buckets and buckets sealed for abandoned drafts.
 * Buckets are locked in the same order as in ingestion.
 */
export async function openSealedDrafts(
  tx: Transaction,
  period: Period,
  { owner, ownerStartedAt }: Run,
  tenants: readonly TenantToOpen[],
): Promise<readonly DraftRef[]> {
  const drafts = await tx.any(sql.type(z.object({ tenantId: z.string(), draftId: z.string() }))`
    WITH draft AS (
      INSERT INTO invoice_drafts
        (tenant_id, period_start, owner, owner_started_at, replaces_invoice_id, replaces_void)
      SELECT "tenantId", ${period.periodStart}, ${owner}, ${ownerStartedAt}::timestamptz,
        "replacesInvoiceId", "replacesVoid"
      FROM ${rowsAs('t', { tenantId: 'text', replacesInvoiceId: 'uuid', replacesVoid: 'bool' }, tenants)}
      RETURNING tenant_id AS "tenantId", draft_id AS "draftId",
        replaces_invoice_id IS NOT NULL AS "isRevision"
    ), taken AS MATERIALIZED (
      SELECT b.bucket_id, draft."draftId"
      FROM draft JOIN usage_buckets b ON b.tenant_id = draft."tenantId"
      WHERE b.sealed_for IS NULL AND b.event_count > 0 AND ${isBillable(period)}
      ORDER BY b.bucket_id
      FOR UPDATE OF b
    ), sealed AS (
      UPDATE usage_buckets b SET sealed_for = taken."draftId"
      FROM taken WHERE b.bucket_id = taken.bucket_id
    )
    SELECT "tenantId", "draftId" FROM draft
  `);
  const heirs = new Set(
    tenants.flatMap(({ tenantId, hasUnfinishedDrafts }) => (hasUnfinishedDrafts ? tenantId : [])),
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

/** Moves billable usage sealed for a tenant's abandoned drafts to its new draft. */
async function takeOver(
  tx: Transaction,
  period: Period,
  heirs: readonly (DraftRef & { readonly isRevision: boolean })[],
): Promise<void> {
  if (heirs.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE usage_buckets b SET sealed_for = draft."draftId"
    FROM ${rowsAs('draft', { tenantId: 'text', draftId: 'uuid', isRevision: 'bool' }, heirs)}
      JOIN invoice_drafts a ON a.tenant_id = draft."tenantId" AND a.state = 'abandoned'
    WHERE b.sealed_for = a.draft_id AND ${isBillable(period)}
  `);
}

/**
 * Condition on a bucket `b`: an invoice of this period bills it; see {@link openSealedDrafts}. The caller's
 * `draft` says whether it is a revision or a note.
 */
export function isBillable(period: Period) {
  return sql.fragment`(
    b.service_month = ${period.periodStart}
    OR (b.source = 'llm' AND b.service_month < ${period.periodStart} AND NOT draft."isRevision")
  )`;
}

/**
 * Condition on an open draft `a`: no run can still be building it, because no child workflow runs for longer
 * than a day (`workflows/options.ts`).
 */
export const IS_FORGOTTEN = sql.fragment`a.opened_at < now() - interval '25 hours'`;

/** Condition on a draft `a`, as the index of these drafts has it: usage may be sealed for it that no invoice holds. */
export const IS_UNFINISHED = sql.fragment`a.state IN ('open', 'abandoned')`;

/**
 * Condition on a draft `a`: it releases its sealed usage when an invoice of this period is built, because it
 * was abandoned or will be abandoned then.
 */
export function isGivenUp(period: Pick<PeriodBounds, 'periodStart'>) {
  return sql.fragment`(
    a.state = 'abandoned'
    OR (a.state = 'open' AND (a.period_start = ${period.periodStart} OR ${IS_FORGOTTEN}))
  )`;
}

/**
 * Applies exclusions to the drafts: those of the usage sealed for them, for the invoices that they replace or adjust,
 * or for notes of these. Includes exclusions that were applied to abandoned drafts.
 */
export async function claimExclusions(
  tx: Transaction,
  drafts: readonly (DraftRef & { readonly replacesInvoiceId: string | null })[],
): Promise<void> {
  if (drafts.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE usage_exclusions e SET applied_to = d."draftId"
    FROM ${rowsAs('d', { tenantId: 'text', draftId: 'uuid', replacesInvoiceId: 'uuid' }, drafts)},
      usage_buckets b
    WHERE e.tenant_id = d."tenantId" AND (e.applied_to IS NULL OR EXISTS (
        SELECT FROM invoice_drafts a WHERE a.draft_id = e.applied_to AND a.state = 'abandoned'
      ))
      AND b.bucket_id = e.bucket_id AND (b.sealed_for IN (d."draftId", d."replacesInvoiceId") OR EXISTS (
        SELECT FROM invoices n WHERE n.invoice_id = b.sealed_for AND n.adjusts_invoice_id = d."replacesInvoiceId"
      ))
  `);
}
