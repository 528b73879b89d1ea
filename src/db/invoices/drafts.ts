import { z } from 'zod';
import type { DraftRef } from '../../contracts/month-end-types.ts';
import type { Period } from '../../domain/period.ts';
import { isDue } from '../month-end/due-tenants.ts';
import type { Transaction } from '../pool.ts';
import { isOneOf, rowsAs, sql } from '../sql.ts';
import { lockTenants } from '../transactions.ts';
import { IS_FORGOTTEN, IS_UNFINISHED } from '../usage/seal.ts';
import { isApplied, stands } from '../standing.ts';

/** Everything about a tenant's month that decides what to do with it. */
const tenantMonth = z.object({
  tenantId: z.string(),
  /** The currency that the tenant is billed in. */
  currency: z.string(),
  isDue: z.boolean(),
  /** The live invoice: issued or void. */
  liveInvoiceId: z.string().nullable(),
  liveNumber: z.string().nullable(),
  liveStatus: z.enum(['issued', 'void']).nullable(),
  liveTotalCents: z.number().nullable(),
  /** The run that built the live invoice. */
  liveOwner: z.string().nullable(),
  /** The last adjustment note of the live invoice that a rerun made, if there is one, and the run that built it. */
  noteId: z.string().nullable(),
  noteTotalCents: z.number().nullable(),
  noteOwner: z.string().nullable(),
  /** The last run that found that a revision of the live invoice would be the same, or a note without a difference. */
  unchangedOwner: z.string().nullable(),
  /** The last run that found nothing to bill in this month. */
  emptyOwner: z.string().nullable(),
  /** The open draft, if there is one, and the run that is building it. */
  openDraftId: z.string().nullable(),
  openDraftOwner: z.string().nullable(),
  openDraftOwnerStartedAt: z.string().nullable(),
  /** The invoice that the open draft is to replace or to adjust. */
  openDraftReplaces: z.string().nullable(),
  /** Whether a forced request is waiting for this tenant. */
  isForced: z.boolean(),
  /** Whether the live invoice is void and a waiting forced request names the tenant: see docs/spec.md#void. */
  isVoidForced: z.boolean(),
  /** Whether the tenant has open or abandoned drafts. Abandoned ones may have sealed usage to take over. */
  hasUnfinishedDrafts: z.boolean(),
  /** Whether the tenant has an exclusion that no invoice has applied yet. */
  hasPendingExclusions: z.boolean(),
});
export type TenantMonth = z.infer<typeof tenantMonth>;

/**
 * Locks the tenants, always in the same order, and returns their months. While the locks are held, no other
 * transaction opens or issues a draft of these tenants. Ingestion doesn't lock tenants, so it isn't blocked.
 */
export async function lockTenantMonths(
  tx: Transaction,
  period: Period,
  tenantIds: readonly string[],
): Promise<readonly TenantMonth[]> {
  await lockTenants(tx, tenantIds);
  // A separate statement, so that it sees what was committed while the locks were awaited.
  return tx.any(sql.type(tenantMonth)`
    SELECT t.tenant_id AS "tenantId", t.currency,
      ${isDue(period, sql.fragment`t.tenant_id`)} AS "isDue",
      i.invoice_id AS "liveInvoiceId", i.number AS "liveNumber", i.status AS "liveStatus",
      i.total_cents AS "liveTotalCents", built.owner AS "liveOwner",
      note.invoice_id AS "noteId", note.total_cents AS "noteTotalCents", note.owner AS "noteOwner",
      (
        SELECT u.owner FROM invoice_drafts u
        WHERE u.replaces_invoice_id = i.invoice_id AND u.state = 'unchanged'
        ORDER BY u.closed_at DESC LIMIT 1
      ) AS "unchangedOwner",
      (
        SELECT e.owner FROM invoice_drafts e
        WHERE e.tenant_id = t.tenant_id AND e.period_start = ${period.periodStart}
          AND e.state = 'nothing_to_bill'
        ORDER BY e.closed_at DESC LIMIT 1
      ) AS "emptyOwner",
      d.draft_id AS "openDraftId", d.owner AS "openDraftOwner",
      d.owner_started_at AS "openDraftOwnerStartedAt",
      d.replaces_invoice_id AS "openDraftReplaces",
      EXISTS (
        SELECT FROM month_end_request_tenants f
        WHERE f.tenant_id = t.tenant_id AND f.period_start = ${period.periodStart}
          AND f.outcome IS NULL
      ) AS "isForced",
      i.status IS NOT DISTINCT FROM 'void' AND EXISTS (
        SELECT FROM month_end_request_tenants f JOIN month_end_requests r USING (request_seq)
        WHERE f.tenant_id = t.tenant_id AND f.period_start = ${period.periodStart}
          AND f.outcome IS NULL AND NOT r.all_tenants
      ) AS "isVoidForced",
      EXISTS (
        SELECT FROM invoice_drafts a WHERE a.tenant_id = t.tenant_id AND ${IS_UNFINISHED}
      ) AS "hasUnfinishedDrafts",
      EXISTS (
        SELECT FROM usage_exclusions e WHERE e.tenant_id = t.tenant_id
          AND NOT ${isApplied('e')}
      ) AS "hasPendingExclusions"
    FROM tenants t
    LEFT JOIN invoices i ON i.tenant_id = t.tenant_id
      AND i.period_start = ${period.periodStart} AND ${stands('i')}
    LEFT JOIN invoice_drafts built ON built.draft_id = i.invoice_id
    LEFT JOIN LATERAL (
      SELECT n.invoice_id, n.total_cents, b.owner
      FROM invoices n JOIN invoice_drafts b ON b.draft_id = n.invoice_id
      WHERE n.adjusts_invoice_id = i.invoice_id AND n.note_origin = 'rerun'
      ORDER BY n.revision DESC LIMIT 1
    ) note ON true
    LEFT JOIN invoice_drafts d ON d.tenant_id = t.tenant_id
      AND d.period_start = ${period.periodStart} AND d.state = 'open'
    WHERE t.tenant_id ${isOneOf(tenantIds, 'text')}
    ORDER BY t.tenant_id
  `);
}

const ownDraft = z.object({
  draftId: z.string(),
  tenantId: z.string(),
  /** The currency that the tenant is billed in. */
  currency: z.string(),
  replacesInvoiceId: z.string().nullable(),
  /** Whether that invoice was void when the draft was opened. */
  replacesVoid: z.boolean(),
});
/** A draft that is locked, open, and owned by this run. */
export type OwnDraft = z.infer<typeof ownDraft>;

const lockedDraft = ownDraft.extend({
  state: z.enum(['open', 'issued', 'unchanged', 'nothing_to_bill', 'abandoned']),
  owner: z.string(),
});
export type LockedDraft = z.infer<typeof lockedDraft>;

/**
 * Locks drafts and their tenants, always in the same order, and returns the drafts. While the locks are held,
 * no other transaction opens, issues or abandons a draft of these tenants.
 */
export function lockDrafts(
  tx: Transaction,
  drafts: readonly DraftRef[],
): Promise<readonly LockedDraft[]> {
  return tx.any(sql.type(lockedDraft)`
    SELECT d.draft_id AS "draftId", d.tenant_id AS "tenantId", t.currency, d.state, d.owner,
      d.replaces_invoice_id AS "replacesInvoiceId", d.replaces_void AS "replacesVoid"
    FROM invoice_drafts d JOIN tenants t USING (tenant_id)
    WHERE d.draft_id ${isOneOf(
      drafts.map(({ draftId }) => draftId),
      'uuid',
    )}
    ORDER BY d.tenant_id, d.draft_id FOR NO KEY UPDATE OF t FOR UPDATE OF d
  `);
}

/**
 * Abandons drafts and deletes their lines. The usage that they sealed waits for the next draft.
 * @param reason stored with the drafts, for later investigation
 */
export async function abandonDrafts(
  tx: Transaction,
  draftIds: readonly string[],
  reason: string,
): Promise<void> {
  if (draftIds.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    WITH abandoned AS (
      UPDATE invoice_drafts SET state = 'abandoned', closed_at = now(), reason = ${reason}
      WHERE draft_id ${isOneOf(draftIds, 'uuid')} AND state = 'open'
      RETURNING draft_id
    )
    DELETE FROM invoice_draft_chunks c USING abandoned WHERE c.draft_id = abandoned.draft_id
  `);
}

/** Returns the ids of open drafts of these tenants' months, for one run or for any run. */
export function findOpenDrafts(
  tx: Transaction,
  period: Period,
  tenantIds: readonly string[],
  owner: string | null = null,
): Promise<readonly string[]> {
  return tx.anyFirst(sql.type(z.object({ draftId: z.string() }))`
    SELECT draft_id AS "draftId" FROM invoice_drafts
    WHERE tenant_id ${isOneOf(tenantIds, 'text')} AND period_start = ${period.periodStart}
      AND state = 'open' AND (${owner}::text IS NULL OR owner = ${owner}::text)
    ORDER BY draft_id
  `);
}

/**
 * Returns the ids of open drafts of other months that no run can still be building. If their month is never
 * requested again, the usage that they sealed would wait forever.
 */
export function findForgottenDrafts(
  tx: Transaction,
  period: Period,
  tenantIds: readonly string[],
): Promise<readonly string[]> {
  return tx.anyFirst(sql.type(z.object({ draftId: z.string() }))`
    SELECT draft_id AS "draftId" FROM invoice_drafts a
    WHERE tenant_id ${isOneOf(tenantIds, 'text')} AND period_start <> ${period.periodStart}
      AND state = 'open' AND ${IS_FORGOTTEN}
    ORDER BY draft_id
  `);
}

/** Assigns every waiting forced request of these tenants to the draft that serves it. */
export async function claimForcedRequests(
  tx: Transaction,
  period: Period,
  drafts: readonly DraftRef[],
): Promise<void> {
  if (drafts.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE month_end_request_tenants f SET draft_id = d."draftId"
    FROM ${rowsAs('d', { tenantId: 'text', draftId: 'uuid' }, drafts)}
    WHERE f.tenant_id = d."tenantId" AND f.period_start = ${period.periodStart}
      AND f.outcome IS NULL
  `);
}

/**
 * Condition on a forced request `f` assigned to a draft: issuing the draft serves it. Also true if another run
 * failed in the meantime and parked the request: this draft's revision is the requested one and names the
 * request.
 */
export const IS_SERVED = sql.fragment`(f.outcome IS NULL OR f.outcome = 'parked')`;

/** Parks the forced requests of a tenant whose child workflow failed to answer them, with the reason. */
export async function parkForcedRequests(
  tx: Transaction,
  period: Period,
  tenantId: string,
  upToSeq: number,
  reason: string,
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    UPDATE month_end_request_tenants SET outcome = 'parked', reason = ${reason}
    WHERE tenant_id = ${tenantId} AND period_start = ${period.periodStart} AND outcome IS NULL
      AND (request_seq <= ${upToSeq} OR draft_id IS NOT NULL)
  `);
}

/**
 * Refuses the waiting forced requests of a tenant, with the reason.
 * @param draftId only those that this draft serves; null: all
 */
export async function refuseForcedRequests(
  tx: Transaction,
  period: Period,
  tenantId: string,
  reason: string,
  draftId: string | null = null,
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    UPDATE month_end_request_tenants SET outcome = 'refused', reason = ${reason}
    WHERE tenant_id = ${tenantId} AND period_start = ${period.periodStart} AND outcome IS NULL
      AND (${draftId}::uuid IS NULL OR draft_id = ${draftId}::uuid)
  `);
}
