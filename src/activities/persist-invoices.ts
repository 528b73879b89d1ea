import type { DraftsInput, PersistInvoicesResult } from '../contracts/activities.ts';
import type { InvoicedOutcome, TenantResult } from '../contracts/month-end.ts';
import { abandonDrafts, lockDrafts, lockTenants, refuseForcedRequests } from '../db/drafts.ts';
import type { LockedDraft } from '../db/drafts.ts';
import { issueInvoices, keepInvoices, lockInvoices } from '../db/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { recordInvoiced } from '../db/tenant-outcomes.ts';
import type { Period } from '../domain/period.ts';
import { compareRevisions } from './compare-revisions.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod, splitByOwner } from './failures.ts';
import { totalDrafts } from './total-drafts.ts';

/**
 * Issues the drafts in one transaction: tax and totals, the number, the lines, the
 * predecessor superseded, the usage tied to the lines, the outcome. Either all of
 * it is there or nothing. A revision that says what its predecessor says, where
 * nobody wants it then, gives its usage to the invoice that stands.
 *
 * Trying again after a commit finds what was done and reports the same.
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
      const refused = await refuseStale(tx, period, own);
      const drafts = own.filter(({ draftId }) => !refused.has(draftId));
      const { ready, parked } = await totalDrafts(tx, period, drafts, boundsMaxRatio);
      const { issuable, unchanged } = await compareRevisions(tx, ready);
      await issueInvoices(tx, period, issuable);
      await keepInvoices(tx, period, unchanged);

      const invoiced = [
        ...issuable.map((draft) => toResult('rolled', draft, draft.draftId)),
        ...unchanged.map((draft) => toResult('unchanged', draft, draft.replacesInvoiceId)),
        ...refused.values(),
      ];
      await recordInvoiced(tx, period, invoiced);
      return { results: [...done.values(), ...invoiced, ...parked, ...lost] };
    });
  };
}

type Invoiced = Exclude<TenantResult, { outcome: 'parked' }>;

function toResult(
  outcome: InvoicedOutcome,
  { tenantId, totalCents }: { readonly tenantId: string; readonly totalCents: number },
  invoiceId: string,
): Invoiced {
  return { tenantId, outcome, invoiceId, totalCents };
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
      toResult(outcome, { tenantId, totalCents: totals.get(invoiceId) ?? 0 }, invoiceId),
    ]),
  );
}

function finishedDraft({ state, draftId, replacesInvoiceId }: LockedDraft) {
  if (state === 'issued') return { outcome: 'rolled' as const, invoiceId: draftId };
  if (state !== 'unchanged' || replacesInvoiceId === null) return null;
  return { outcome: 'unchanged' as const, invoiceId: replacesInvoiceId };
}

/**
 * An invoice that was paid or voided while its revision was built is not replaced
 * any more: the revision is refused and the invoice stands.
 */
async function refuseStale(
  tx: Transaction,
  period: Period,
  drafts: readonly LockedDraft[],
): Promise<ReadonlyMap<string, Invoiced>> {
  const refused = new Map<string, Invoiced>();
  const replaced = drafts.flatMap(({ replacesInvoiceId }) => replacesInvoiceId ?? []);
  if (replaced.length === 0) return refused;
  const standing = new Map(
    (await lockInvoices(tx, replaced)).map((invoice) => [invoice.invoiceId, invoice]),
  );
  for (const { draftId, tenantId, replacesInvoiceId } of drafts) {
    const invoice = replacesInvoiceId === null ? undefined : standing.get(replacesInvoiceId);
    if (!invoice || invoice.status === 'issued') continue;
    const reason = `invoice ${invoice.number} is ${invoice.status}: it is never rebuilt`;
    await abandonDrafts(tx, [draftId], reason);
    await refuseForcedRequests(tx, period, tenantId, reason);
    const { invoiceId, totalCents } = invoice;
    refused.set(draftId, toResult('skipped', { tenantId, totalCents }, invoiceId));
  }
  return refused;
}
