import type { Bounds } from '../domain/bounds.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end.ts';
import { deleteClosedDraftLines } from '../db/draft-lines.ts';
import { lockDrafts, lockTenants, type LockedDraft } from '../db/drafts.ts';
import { lockInvoices, type BuiltDraft } from '../db/invoices.ts';
import type { Database, Transaction } from '../db/pool.ts';
import { recordInvoiced } from '../db/tenant-outcomes.ts';
import type { Period } from '../domain/period.ts';
import { splitByOwner } from './failures.ts';
import { issueDrafts } from './issue-drafts.ts';
import { refuseStale } from './refuse-stale.ts';
import { invoiced, type Invoiced } from './results.ts';

/** Drafts that an earlier transaction opened, for whom, and how they become invoices. */
export interface OpenedDrafts {
  readonly drafts: readonly DraftRef[];
  /** The child's run id. */
  readonly owner: string;
  /** The invoices that the drafts would be, or why their tenants are parked. */
  readonly build: (
    tx: Transaction,
    drafts: readonly LockedDraft[],
  ) => Promise<{
    readonly values: readonly BuiltDraft[];
    readonly parked: readonly TenantResult[];
  }>;
  readonly bounds: Bounds;
}

/**
 * Issues drafts in one transaction, the last of the steps: they were opened, and their usage sealed,
 * in an earlier one. Trying again after a commit finds what was done and reports the same.
 */
export function issueOpenedDrafts(
  db: Database,
  period: Period,
  { drafts, owner, build, bounds }: OpenedDrafts,
): Promise<readonly TenantResult[]> {
  return db.transaction(async (tx) => {
    await lockTenants(
      tx,
      drafts.map(({ tenantId }) => tenantId),
    );
    const locked = await lockDrafts(tx, drafts);
    const done = await doneBefore(tx, locked, owner);
    const { own, lost } = splitByOwner(
      drafts.filter(({ draftId }) => !done.has(draftId)),
      locked,
      owner,
    );
    const { fresh, refused } = await refuseStale(tx, period, own);
    await recordInvoiced(tx, period, refused);
    const built = await build(tx, fresh);
    const issued = await issueDrafts(tx, period, built.values, { bounds });
    await deleteClosedDraftLines(
      tx,
      fresh.map(({ draftId }) => draftId),
    );
    return [...done.values(), ...issued, ...refused, ...built.parked, ...lost];
  });
}

/** What an attempt of this very run has committed before, by draft. */
async function doneBefore(
  tx: Transaction,
  locked: readonly LockedDraft[],
  owner: string,
): Promise<ReadonlyMap<string, Invoiced>> {
  const done = locked
    .filter((draft) => draft.owner === owner)
    .flatMap((draft) => {
      const finished = finishedDraft(draft);
      return finished === null ? [] : { draft, ...finished };
    });
  if (done.length === 0) return new Map();
  const invoices = await lockInvoices(
    tx,
    done.map(({ invoiceId }) => invoiceId),
  );
  const totals = new Map(invoices.map(({ invoiceId, totalCents }) => [invoiceId, totalCents]));
  return new Map(
    done.map(({ draft: { draftId, tenantId }, outcome, invoiceId }) => [
      draftId,
      invoiced(outcome, { tenantId, totalCents: totals.get(invoiceId) ?? 0 }, invoiceId),
    ]),
  );
}

function finishedDraft({ state, draftId, replacesInvoiceId }: LockedDraft) {
  if (state === 'issued') return { outcome: 'rolled' as const, invoiceId: draftId };
  if (state !== 'unchanged' || replacesInvoiceId === null) return null;
  return { outcome: 'unchanged' as const, invoiceId: replacesInvoiceId };
}
