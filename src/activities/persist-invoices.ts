import type { DraftsInput, PersistInvoicesResult } from '../contracts/activity-types.ts';
import type { TenantResult } from '../contracts/month-end-types.ts';
import { lockDrafts, type LockedDraft } from '../db/invoices/drafts.ts';
import { readDraftsToIssue, type DraftToIssue } from '../db/invoices/drafts-to-issue.ts';
import {
  closeWithoutInvoice,
  issueInvoices,
  keepInvoices,
  lockInvoices,
} from '../db/invoices/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { recordSettled } from '../db/month-end/tenant-outcomes.ts';
import { assembleInvoice } from '../domain/compose-invoice.ts';
import { formatMoney } from '../domain/format.ts';
import type { Month } from '../domain/period.ts';
import { checkDrafts, compareRevisions, refuseStale, type CheckedDraft } from './check-drafts.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod, splitLost } from './activity-failures.ts';
import { invoiced, nothingToBill, orParked, splitParked, type Settled } from './tenant-results.ts';

/**
 * Issues drafts from the lines that the earlier steps wrote, all in one transaction: it assigns the number, writes the
 * lines, supersedes the predecessor, ties the usage to the lines and records the outcome. If a revision equals its
 * predecessor and its requests have `onlyIfChanged`, its usage moves to the existing invoice instead. A draft without
 * lines and usage is closed without an invoice. A retry after a commit reports the same result.
 */
export function persistInvoices({ db, bounds }: ActivityDeps) {
  return async (input: DraftsInput): Promise<PersistInvoicesResult> => {
    const period = await requirePeriod(db, input.month);
    return db.transaction(async (tx) => {
      const locked = await lockDrafts(tx, input.drafts);
      const ours = locked.filter(({ owner }) => owner === input.owner);
      const done = await doneBefore(tx, ours);
      const open = ours.filter(({ state }) => state === 'open');
      const openIds = new Set(open.map(({ draftId }) => draftId));
      const { lost } = splitLost(
        input.drafts.filter(({ draftId }) => !done.has(draftId)),
        ({ draftId }) => openIds.has(draftId),
      );
      const { fresh, refused } = await refuseStale(tx, period, open);
      await recordSettled(tx, period, refused);
      const inputs = await readDraftsToIssue(tx, period, fresh);
      const built = splitParked(
        fresh.map((draft) =>
          orParked(draft.tenantId, () => toInvoice(input.month, draft, inputs.get(draft.draftId))),
        ),
      );
      const { ready, empty, parked } = checkDrafts(built.values, bounds);
      const { issuable, unchanged } = await compareRevisions(tx, ready);
      await issueInvoices(tx, period, issuable);
      await keepInvoices(tx, period, unchanged);
      await closeWithoutInvoice(tx, period, empty);
      const results: TenantResult[] = [
        ...done.values(),
        ...issuable.map((draft) => invoiced('rolled', draft, draft.draftId)),
        ...unchanged.map((draft) => invoiced('unchanged', draft, draft.replacesInvoiceId)),
        ...empty.map(({ tenantId }) => nothingToBill(tenantId)),
        ...refused,
        ...parked,
        ...built.parked,
        ...lost,
      ];
      const [issued, ...others] = issuable;
      return {
        results,
        lines: issuable.reduce((sum, { lines }) => sum + lines.length, 0),
        total:
          issued && others.length === 0 ? formatMoney(issued.totalCents, issued.currency) : null,
      };
    });
  };
}

function toInvoice(
  month: Month,
  { draftId, tenantId, currency, replacesInvoiceId }: LockedDraft,
  input: DraftToIssue | undefined,
): CheckedDraft {
  // A skipped step is a bug in our code, and must never lead to an incomplete invoice.
  if (!input?.lines) throw new Error(`draft ${draftId} of tenant ${tenantId} lacks a step`);
  const { lines, terms, tax, holdsUsage } = input;
  const invoice = assembleInvoice(lines, { month, currency, tax });
  return { draftId, tenantId, currency, replacesInvoiceId, terms, holdsUsage, ...invoice };
}

/** Returns what an earlier attempt of the same run committed, by draft. */
async function doneBefore(
  tx: Transaction,
  ours: readonly LockedDraft[],
): Promise<ReadonlyMap<string, Settled>> {
  const empty = ours.filter(({ state }) => state === 'nothing_to_bill');
  const done = ours.flatMap((draft) => {
    const finished = finishedDraft(draft);
    return finished === null ? [] : { draft, ...finished };
  });
  const invoiceIds = done.map(({ invoiceId }) => invoiceId);
  const invoices = invoiceIds.length === 0 ? [] : await lockInvoices(tx, invoiceIds);
  const totals = new Map(invoices.map(({ invoiceId, totalCents }) => [invoiceId, totalCents]));
  return new Map<string, Settled>([
    ...empty.map(({ draftId, tenantId }) => [draftId, nothingToBill(tenantId)] as const),
    ...done.map(
      ({ draft: { draftId, tenantId }, outcome, invoiceId }) =>
        [
          draftId,
          invoiced(outcome, { tenantId, totalCents: totals.get(invoiceId) ?? 0 }, invoiceId),
        ] as const,
    ),
  ]);
}

function finishedDraft({ state, draftId, replacesInvoiceId }: LockedDraft) {
  if (state === 'issued') return { outcome: 'rolled' as const, invoiceId: draftId };
  if (state !== 'unchanged' || replacesInvoiceId === null) return null;
  return { outcome: 'unchanged' as const, invoiceId: replacesInvoiceId };
}
