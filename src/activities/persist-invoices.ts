import type { DraftsInput, PersistInvoicesResult } from '../contracts/activities.ts';
import { deleteClosedDraftLines, readDraftLines } from '../db/draft-lines.ts';
import { lockDrafts, lockTenants, type LockedDraft } from '../db/drafts.ts';
import { lockInvoices } from '../db/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { recordInvoiced } from '../db/tenant-outcomes.ts';
import { assembleInvoice } from '../domain/compose-invoice.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod, splitByOwner } from './failures.ts';
import { issueDrafts } from './issue-drafts.ts';
import { refuseStale } from './refuse-stale.ts';
import { invoiced, orParked, splitParked, type Invoiced } from './results.ts';

/**
 * Issues the drafts from their lines in one transaction, the last of the steps. Trying again after a
 * commit finds what was done and reports the same.
 */
export function persistInvoices({ db, boundsMaxRatio }: ActivityDeps) {
  return async (input: DraftsInput): Promise<PersistInvoicesResult> => {
    const period = requirePeriod(input.month);
    return db.transaction(async (tx) => {
      await lockTenants(
        tx,
        input.drafts.map(({ tenantId }) => tenantId),
      );
      const locked = await lockDrafts(tx, input.drafts);
      const done = await doneBefore(tx, locked, input.owner);
      const { own, lost } = splitByOwner(
        input.drafts.filter(({ draftId }) => !done.has(draftId)),
        locked,
        input.owner,
      );
      const { fresh, refused } = await refuseStale(tx, period, own);
      await recordInvoiced(tx, period, refused);

      const draftIds = fresh.map(({ draftId }) => draftId);
      const lines = await readDraftLines(tx, draftIds);
      const built = splitParked(
        fresh.map((draft) =>
          orParked(draft.tenantId, () => ({
            ...draft,
            ...assembleInvoice(lines.get(draft.draftId) ?? []),
          })),
        ),
      );
      const issued = await issueDrafts(tx, period, built.values, { boundsMaxRatio });
      await deleteClosedDraftLines(tx, draftIds);
      return { results: [...done.values(), ...issued, ...refused, ...built.parked, ...lost] };
    });
  };
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
