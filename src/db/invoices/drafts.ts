import { z } from 'zod';
import type { DraftRef } from '../../contracts/month-end-types.ts';
import type { Period } from '../../domain/period.ts';
import { inForceAtEndOf } from '../catalogue/due-tenants.ts';
import type { Transaction } from '../pool.ts';
import { isOneOf, rowsAs, sql } from '../sql.ts';
import { lockTenants } from '../transactions.ts';

/** Everything about a tenant's month that decides what to do with it. */
const tenantMonth = z.object({
  tenantId: z.string(),
  /** What the tenant is billed in. */
  currency: z.string(),
  /** Subscriptions in force at the period's last instant; 0: it isn't due. */
  dueSubscriptions: z.number(),
  /** The live invoice: issued, paid or void. */
  liveInvoiceId: z.string().nullable(),
  liveNumber: z.string().nullable(),
  liveStatus: z.enum(['issued', 'paid', 'void']).nullable(),
  liveTotalCents: z.number().nullable(),
  /** The run that built it. */
  liveOwner: z.string().nullable(),
  /** The last run that found that its revision would be the same. */
  unchangedOwner: z.string().nullable(),
  /** The draft that is being built, if one is, and by which run. */
  openDraftId: z.string().nullable(),
  openDraftOwner: z.string().nullable(),
  openDraftOwnerStartedAt: z.string().nullable(),
  /** The invoice that it is to replace. */
  openDraftReplaces: z.string().nullable(),
  /** Whether a forced request waits for this tenant. */
  isForced: z.boolean(),
  /** Some of which may be abandoned, and have left usage to take over. */
  hasUnissuedDrafts: z.boolean(),
  /** Whether an event was excluded that no invoice has left out yet. */
  hasPendingExclusions: z.boolean(),
});
export type TenantMonth = z.infer<typeof tenantMonth>;

/**
 * Locks the tenants, always in the same order, and reads their months. While the
 * lock is held nobody else opens or issues a draft of theirs. Ingestion is not
 * held up: it doesn't lock tenants.
 */
export async function lockTenantMonths(
  tx: Transaction,
  period: Period,
  tenantIds: readonly string[],
): Promise<readonly TenantMonth[]> {
  await lockTenants(tx, tenantIds);
  // A statement of its own: it must see what was committed while we waited.
  return tx.any(sql.type(tenantMonth)`
    SELECT t.tenant_id AS "tenantId", t.currency,
      (
        SELECT count(*) FROM subscriptions s
        WHERE s.tenant_id = t.tenant_id AND ${inForceAtEndOf(period, 's')}
      ) AS "dueSubscriptions",
      i.invoice_id AS "liveInvoiceId", i.number AS "liveNumber", i.status AS "liveStatus",
      i.total_cents AS "liveTotalCents", built.owner AS "liveOwner",
      (
        SELECT u.owner FROM invoice_drafts u
        WHERE u.replaces_invoice_id = i.invoice_id AND u.state = 'unchanged'
        ORDER BY u.closed_at DESC LIMIT 1
      ) AS "unchangedOwner",
      d.draft_id AS "openDraftId", d.owner AS "openDraftOwner",
      d.owner_started_at AS "openDraftOwnerStartedAt",
      d.replaces_invoice_id AS "openDraftReplaces",
      EXISTS (
        SELECT FROM month_end_request_tenants f
        WHERE f.tenant_id = t.tenant_id AND f.period_start = ${period.periodStart}
          AND f.outcome IS NULL
      ) AS "isForced",
      EXISTS (
        SELECT FROM invoice_drafts a WHERE a.tenant_id = t.tenant_id AND a.state <> 'issued'
      ) AS "hasUnissuedDrafts",
      EXISTS (
        SELECT FROM usage_exclusions e WHERE e.tenant_id = t.tenant_id
          AND NOT EXISTS (SELECT FROM invoices x WHERE x.invoice_id = e.applied_to)
      ) AS "hasPendingExclusions"
    FROM tenants t
    LEFT JOIN invoices i ON i.tenant_id = t.tenant_id
      AND i.period_start = ${period.periodStart} AND i.status IN ('issued', 'paid', 'void')
    LEFT JOIN invoice_drafts built ON built.draft_id = i.invoice_id
    LEFT JOIN invoice_drafts d ON d.tenant_id = t.tenant_id
      AND d.period_start = ${period.periodStart} AND d.state = 'open'
    WHERE t.tenant_id ${isOneOf(tenantIds, 'text')}
    ORDER BY t.tenant_id
  `);
}

const ownDraft = z.object({
  draftId: z.string(),
  tenantId: z.string(),
  /** What the tenant is billed in. */
  currency: z.string(),
  replacesInvoiceId: z.string().nullable(),
});
/** A draft that is locked, open, and ours to write. */
export type OwnDraft = z.infer<typeof ownDraft>;

const lockedDraft = ownDraft.extend({
  state: z.enum(['open', 'issued', 'unchanged', 'abandoned']),
  owner: z.string(),
});
export type LockedDraft = z.infer<typeof lockedDraft>;

/**
 * Locks drafts and their tenants, always in the same order: while the locks are held nobody else opens, issues or
 * gives up a draft of theirs.
 */
export function lockDrafts(
  tx: Transaction,
  drafts: readonly DraftRef[],
): Promise<readonly LockedDraft[]> {
  return tx.any(sql.type(lockedDraft)`
    SELECT d.draft_id AS "draftId", d.tenant_id AS "tenantId", t.currency, d.state, d.owner,
      d.replaces_invoice_id AS "replacesInvoiceId"
    FROM invoice_drafts d JOIN tenants t USING (tenant_id)
    WHERE d.draft_id ${isOneOf(
      drafts.map(({ draftId }) => draftId),
      'uuid',
    )}
    ORDER BY d.tenant_id, d.draft_id FOR NO KEY UPDATE OF t FOR UPDATE OF d
  `);
}

/**
 * Abandons drafts: deletes their lines; the usage that they sealed waits for the next draft.
 * @param reason is stored, for later questions
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

/** The open drafts of these tenants' months; of one run, or of any run. */
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
 * Open drafts of other months that no run can still be building. The usage that they sealed would wait
 * forever if their month is never requested again.
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

/** Of an open draft `a`: no child lives longer than a day (`workflows/options.ts`). */
const IS_FORGOTTEN = sql.fragment`a.opened_at < now() - interval '25 hours'`;

/**
 * Whether a draft `a` gives up what it sealed when an invoice of this period is built: it was
 * abandoned, or will be then.
 */
export function isGivenUp(period: Period) {
  return sql.fragment`(
    a.state = 'abandoned'
    OR (a.state = 'open' AND (a.period_start = ${period.periodStart} OR ${IS_FORGOTTEN}))
  )`;
}

/** Ties every waiting forced request of these tenants to the draft that serves them. */
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
 * Whether a draft serves the forced request `f` that is tied to it when it is issued. True also if another
 * run failed in the meantime and parked the request: this draft's revision is the requested one, and names
 * it.
 */
export const IS_SERVED = sql.fragment`(f.outcome IS NULL OR f.outcome = 'parked')`;

/** Settles the forced requests of a tenant whose child could not: parked, with the reason. */
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

/** Refuses every waiting forced request of a tenant. */
export async function refuseForcedRequests(
  tx: Transaction,
  period: Period,
  tenantId: string,
  reason: string,
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    UPDATE month_end_request_tenants SET outcome = 'refused', reason = ${reason}
    WHERE tenant_id = ${tenantId} AND period_start = ${period.periodStart} AND outcome IS NULL
  `);
}
