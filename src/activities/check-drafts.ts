import { FAILURE } from '../contracts/failures.ts';
import type { TenantResult } from '../contracts/month-end-types.ts';
import { abandonDrafts, refuseForcedRequests, type OwnDraft } from '../db/invoices/drafts.ts';
import type { DraftToIssue, IssueTerms } from '../db/invoices/drafts-to-issue.ts';
import { lockInvoices, type BuiltDraft, type IssuableDraft } from '../db/invoices/invoices.ts';
import type { LineRow } from '../db/invoices/line-rows.ts';
import type { Transaction } from '../db/pool.ts';
import { isDeepStrictEqual } from 'node:util';
import { adjustmentLines, assembleNote, chargingFor, linesInEffect } from '../domain/adjustment.ts';
import { beyondBounds, type Bounds } from '../domain/bounds.ts';
import { assembleInvoice } from '../domain/compose-invoice.ts';
import { mismatchReason, type DifferentDay } from '../domain/gateway-totals.ts';
import { compareLines } from '../domain/line-changes.ts';
import type { Month, Period } from '../domain/period.ts';
import { invoiced, parked, type Invoiced } from './tenant-results.ts';

/**
 * Locks the invoices that drafts are to replace or adjust, and refuses drafts whose invoice was voided while they were
 * being built. The operator who voided it had not seen them; a later request issues the next revision
 * (docs/spec.md#void).
 * @returns the remaining drafts, and the results of the refused ones
 */
export async function refuseStale<Draft extends OwnDraft>(
  tx: Transaction,
  period: Period,
  drafts: readonly Draft[],
): Promise<{ readonly fresh: readonly Draft[]; readonly refused: readonly Invoiced[] }> {
  const replaced = drafts.flatMap(({ replacesInvoiceId }) => replacesInvoiceId ?? []);
  if (replaced.length === 0) return { fresh: drafts, refused: [] };
  const standing = new Map(
    (await lockInvoices(tx, replaced)).map((invoice) => [invoice.invoiceId, invoice]),
  );
  const fresh: Draft[] = [];
  const refused: Invoiced[] = [];
  for (const draft of drafts) {
    const { draftId, tenantId, replacesInvoiceId, replacesVoid } = draft;
    const invoice = standing.get(replacesInvoiceId ?? '');
    const isStale =
      invoice?.status === 'superseded' || (invoice?.status === 'void' && !replacesVoid);
    if (!invoice || !isStale) {
      fresh.push(draft);
      continue;
    }
    const reason =
      `invoice ${invoice.number} was voided while its revision was being built: send a new request to issue the ` +
      'next revision';
    await abandonDrafts(tx, [draftId], reason);
    // A request that came after the void waits for a draft of its own.
    await refuseForcedRequests(tx, period, tenantId, reason, draftId);
    const { invoiceId, totalCents } = invoice;
    refused.push(invoiced('skipped', { tenantId, totalCents }, invoiceId));
  }
  return { fresh, refused };
}

/** The invoice or note that a draft would become, and what decides whether it does. */
export type CheckedDraft = BuiltDraft & {
  readonly terms: IssueTerms;
  /** Whether usage is sealed for it. */
  readonly holdsUsage: boolean;
};

/**
 * Returns what a draft becomes: an invoice, or an adjustment note if the invoice that it was opened for is settled by
 * now (docs/spec.md#adjustment-notes).
 * @param linesOf the lines of a document
 * @throws DomainError for anything that parks the tenant
 */
export function toDocument(
  month: Month,
  draft: OwnDraft,
  input: DraftToIssue | undefined,
  linesOf: (documentId: string) => readonly LineRow[],
): CheckedDraft {
  const { draftId, tenantId, currency, replacesInvoiceId, replacesVoid } = draft;
  // A skipped step is a bug in our code, and must never lead to an incomplete invoice.
  if (!input?.lines) throw new Error(`draft ${draftId} of tenant ${tenantId} lacks a step`);
  const { lines, terms, tax, items, holdsUsage } = input;
  const { adjusted } = terms;
  const own = { draftId, tenantId, currency, replacesInvoiceId, replacesVoid };
  const checked = { ...own, terms, holdsUsage };
  if (adjusted === null) {
    const invoice = assembleInvoice(lines, { month, currency, tax, items });
    return { ...checked, isNote: false, ...invoice };
  }
  const before = linesInEffect([replacesInvoiceId ?? '', ...adjusted.rerunIds].map(linesOf));
  const differences = adjustmentLines(before, lines, chargingFor(adjusted.touched, month));
  const note = assembleNote(differences, adjusted, { month, currency, tax });
  return { ...checked, isNote: true, ...note };
}

export interface CheckedDrafts {
  /** Drafts that may be issued. */
  readonly ready: readonly CheckedDraft[];
  /** Drafts with nothing to bill: no lines, no usage and no invoice to replace. */
  readonly empty: readonly CheckedDraft[];
  /** Tenants whose control totals differ from the ledger, or whose total is beyond the safety bounds, without being accepted. */
  readonly parked: readonly TenantResult[];
}

/**
 * Splits drafts by what can be done with them (docs/spec.md#month-end). An invoice without lines is valid if it holds
 * usage, or replaces an invoice and so credits what that one charged. With a note, what is bounded is what the tenant
 * is charged in all.
 * @param differences of tenants with control totals (docs/spec.md#control-totals)
 */
export function checkDrafts(
  drafts: readonly CheckedDraft[],
  bounds: Bounds,
  differences: ReadonlyMap<string, readonly DifferentDay[]>,
): CheckedDrafts {
  const ready: CheckedDraft[] = [];
  const empty: CheckedDraft[] = [];
  const unbillable: TenantResult[] = [];
  for (const draft of drafts) {
    const { lines, terms, tenantId, replacesInvoiceId, holdsUsage } = draft;
    const different = differences.get(tenantId);
    // First, because lost usage may also be why there is nothing to bill, or why the total is too low.
    if (different !== undefined) {
      const reason = mismatchReason(different, draft.currency);
      unbillable.push(parked(tenantId, { type: FAILURE.controlTotalMismatch, reason }));
      continue;
    }
    if (lines.length === 0 && !holdsUsage && replacesInvoiceId === null) {
      empty.push(draft);
      continue;
    }
    const beyond = terms.acceptBounds ? null : beyondBounds(...chargedInAll(draft), bounds);
    if (beyond === null) ready.push(draft);
    else unbillable.push(parked(tenantId, { type: FAILURE.outOfBounds, reason: beyond }));
  }
  return { ready, empty, parked: unbillable };
}

function chargedInAll({ totalCents, currency, terms }: CheckedDraft) {
  const { last, adjusted } = terms;
  if (adjusted === null || last === null) return [{ totalCents, currency }, last] as const;
  const before = adjusted.totalCents;
  return [
    { totalCents: before + totalCents, currency },
    { ...last, totalCents: before },
  ] as const;
}

/** A revision that is the same as the invoice it would replace, or a note without a difference. The total is the invoice's. */
export type UnchangedDraft = BuiltDraft & {
  readonly isForced: boolean;
  readonly replacesInvoiceId: string;
  readonly keeperId: string;
};

export interface ComparedDrafts {
  /** First invoices, revisions with their changes, and notes. */
  readonly issuable: readonly IssuableDraft[];
  /**
   * Revisions that are not issued: nothing would change, and their requests have `onlyIfChanged`. Notes that are not
   * issued: there is no difference. (Late usage that the subscriptions of the existing documents don't explain needs a
   * revision or note even if all lines are equal.)
   */
  readonly unchanged: readonly UnchangedDraft[];
}

/**
 * Compares each revision with the invoice that it replaces: line by line, and how they are taxed. The lines of a note
 * are differences already.
 * @param linesOf the lines of a document
 */
export function compareRevisions(
  drafts: readonly CheckedDraft[],
  linesOf: (documentId: string) => readonly LineRow[],
): ComparedDrafts {
  const issuable: IssuableDraft[] = [];
  const unchanged: UnchangedDraft[] = [];
  for (const { terms, ...built } of drafts) {
    const { replacesInvoiceId, lines, isNote } = built;
    const { isForced, keeperId } = terms;
    const draft = { ...built, isForced };
    if (replacesInvoiceId === null || keeperId === null) {
      issuable.push({ ...draft, changes: [] });
      continue;
    }
    const changes = isNote ? [] : compareLines(linesOf(replacesInvoiceId), lines);
    const isSame = isNote
      ? lines.length === 0
      : terms.onlyIfChanged &&
        changes.length === 0 &&
        isDeepStrictEqual(built.tax, terms.replacedTax);
    if (terms.canKeepReplaced && isSame) {
      const totalCents = terms.last?.totalCents ?? draft.totalCents;
      unchanged.push({ ...draft, totalCents, replacesInvoiceId, keeperId });
    } else issuable.push({ ...draft, changes });
  }
  return { issuable, unchanged };
}
