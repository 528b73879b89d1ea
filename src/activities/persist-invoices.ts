import type { DraftsInput, PersistInvoicesResult } from '../contracts/activities.ts';
import { FAILURE } from '../contracts/failures.ts';
import type { TenantResult } from '../contracts/month-end.ts';
import { abandonDrafts, lockDrafts, lockTenants, refuseForcedRequests } from '../db/drafts.ts';
import type { LockedDraft } from '../db/drafts.ts';
import { issueInvoices, lockInvoices, sumDraftLines, type IssuableDraft } from '../db/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { recordInvoiced } from '../db/tenant-outcomes.ts';
import { parseCents } from '../domain/cents.ts';
import { invoiceTotals, taxLine } from '../domain/invoice-totals.ts';
import type { Period } from '../domain/period.ts';
import type { ActivityDeps } from './deps.ts';
import { orParked, parked, requirePeriod, splitByOwner } from './failures.ts';

/**
 * Issues the drafts in one transaction: tax and totals, the number, the lines, the
 * predecessor superseded, the usage tied to the lines, the outcome. Either all of
 * it is there or nothing.
 *
 * Trying again after a commit finds the invoice and reports it as `rolled`.
 */
export function persistInvoices({ db }: ActivityDeps) {
  return async (input: DraftsInput): Promise<PersistInvoicesResult> => {
    const period = requirePeriod(input.month);
    return db.transaction(async (tx) => {
      await lockTenants(
        tx,
        input.drafts.map(({ tenantId }) => tenantId),
      );
      const locked = await lockDrafts(tx, input.drafts);
      const issued = await issuedBefore(tx, locked, input.owner);
      const issuedIds = new Set(issued.map(({ invoiceId }) => invoiceId));
      const { own, lost } = splitByOwner(
        input.drafts.filter(({ draftId }) => !issuedIds.has(draftId)),
        locked,
        input.owner,
      );
      const refused = await refuseStale(tx, period, own);
      const refusedIds = new Set(refused.map(({ draftId }) => draftId));
      const settled = await total(
        tx,
        own.filter(({ draftId }) => !refusedIds.has(draftId)),
      );
      const issuable = settled.flatMap((result) => ('value' in result ? result.value : []));
      await issueInvoices(tx, period, issuable);

      const rolled = issuable.map(({ tenantId, draftId, totalCents }) => ({
        tenantId,
        outcome: 'rolled' as const,
        invoiceId: draftId,
        totalCents,
      }));
      const skipped = refused.map(({ result }) => result);
      await recordInvoiced(tx, period, [...rolled, ...skipped]);
      const unbillable = settled.flatMap((result) => ('parked' in result ? result.parked : []));
      return { results: [...issued, ...rolled, ...skipped, ...unbillable, ...lost] };
    });
  };
}

type Invoiced = Exclude<TenantResult, { outcome: 'parked' }>;

/** What an attempt of this very run has committed before. */
async function issuedBefore(
  tx: Transaction,
  locked: readonly LockedDraft[],
  owner: string,
): Promise<readonly Invoiced[]> {
  const issued = locked.filter((draft) => draft.state === 'issued' && draft.owner === owner);
  if (issued.length === 0) return [];
  const invoices = await lockInvoices(
    tx,
    issued.map(({ draftId }) => draftId),
  );
  const totals = new Map(invoices.map(({ invoiceId, totalCents }) => [invoiceId, totalCents]));
  return issued.map(({ tenantId, draftId }) => ({
    tenantId,
    outcome: 'rolled',
    invoiceId: draftId,
    totalCents: totals.get(draftId) ?? 0,
  }));
}

/**
 * An invoice that was paid or voided while its revision was built is not replaced
 * any more: the revision is refused and the invoice stands.
 */
async function refuseStale(
  tx: Transaction,
  period: Period,
  drafts: readonly LockedDraft[],
): Promise<readonly { readonly draftId: string; readonly result: Invoiced }[]> {
  const replaced = drafts.flatMap(({ replacesInvoiceId }) => replacesInvoiceId ?? []);
  if (replaced.length === 0) return [];
  const standing = new Map(
    (await lockInvoices(tx, replaced)).map((invoice) => [invoice.invoiceId, invoice]),
  );
  const refused = [];
  for (const { draftId, tenantId, replacesInvoiceId } of drafts) {
    const invoice = replacesInvoiceId === null ? undefined : standing.get(replacesInvoiceId);
    if (!invoice || invoice.status === 'issued') continue;
    const reason = `invoice ${invoice.number} is ${invoice.status}: it is never rebuilt`;
    await abandonDrafts(tx, [draftId], reason);
    await refuseForcedRequests(tx, period, tenantId, reason);
    const { invoiceId, totalCents } = invoice;
    refused.push({
      draftId,
      result: { tenantId, outcome: 'skipped' as const, invoiceId, totalCents },
    });
  }
  return refused;
}

/** Tax and totals of each draft, or why its tenant is parked. */
async function total(tx: Transaction, drafts: readonly LockedDraft[]) {
  const sums = new Map(
    (
      await sumDraftLines(
        tx,
        drafts.map(({ draftId }) => draftId),
      )
    ).map((sum) => [sum.draftId, sum]),
  );
  return drafts.map((draft) => {
    const sum = sums.get(draft.draftId);
    if (!sum) {
      const reason = `tenant ${draft.tenantId} has nothing to bill: its last subscription was ended while its invoice was built`;
      return { parked: parked(draft.tenantId, { type: FAILURE.notDue, reason }) };
    }
    return orParked<IssuableDraft>(draft.tenantId, () => {
      const subtotal = parseCents(sum.subtotal, `The subtotal of tenant ${draft.tenantId}`);
      const totals = invoiceTotals([subtotal]);
      return { ...draft, ...totals, taxLine: taxLine(totals.taxCents) };
    });
  });
}
