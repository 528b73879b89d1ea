import { FAILURE } from '../contracts/failures.ts';
import type { TenantResult } from '../contracts/month-end-types.ts';
import { abandonDrafts, refuseForcedRequests, type OwnDraft } from '../db/invoices/drafts.ts';
import type { IssueTerms } from '../db/invoices/drafts-to-issue.ts';
import {
  lockInvoices,
  readInvoiceLines,
  type BuiltDraft,
  type IssuableDraft,
} from '../db/invoices/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { isDeepStrictEqual } from 'node:util';
import { beyondBounds, type Bounds } from '../domain/bounds.ts';
import { compareLines } from '../domain/line-changes.ts';
import type { Period } from '../domain/period.ts';
import { invoiced, parked, type Invoiced } from './tenant-results.ts';

/**
 * Refuses revisions whose invoice was paid or voided while they were being built: such an invoice stays.
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
    const { draftId, tenantId, replacesInvoiceId } = draft;
    const invoice = standing.get(replacesInvoiceId ?? '');
    if (!invoice || invoice.status === 'issued') {
      fresh.push(draft);
      continue;
    }
    const reason = `invoice ${invoice.number} is ${invoice.status}: it is never rebuilt`;
    await abandonDrafts(tx, [draftId], reason);
    await refuseForcedRequests(tx, period, tenantId, reason);
    const { invoiceId, totalCents } = invoice;
    refused.push(invoiced('skipped', { tenantId, totalCents }, invoiceId));
  }
  return { fresh, refused };
}

/** The invoice that a draft would become, and what decides whether it does. */
export type CheckedDraft = BuiltDraft & {
  readonly terms: IssueTerms;
  /** Whether usage is sealed for it. */
  readonly holdsUsage: boolean;
};

export interface CheckedDrafts {
  /** Drafts that may be issued. */
  readonly ready: readonly CheckedDraft[];
  /** Drafts with nothing to bill: no lines, no usage and no invoice to replace. */
  readonly empty: readonly CheckedDraft[];
  /** Tenants whose total is beyond the safety bounds, without a request that accepts it. */
  readonly parked: readonly TenantResult[];
}

/**
 * Splits drafts by what can be done with them (docs/spec.md#month-end). An invoice without lines is valid if it holds
 * usage, or replaces an invoice and so credits what that one charged.
 */
export function checkDrafts(drafts: readonly CheckedDraft[], bounds: Bounds): CheckedDrafts {
  const ready: CheckedDraft[] = [];
  const empty: CheckedDraft[] = [];
  const unbillable: TenantResult[] = [];
  for (const draft of drafts) {
    const { lines, terms, tenantId, replacesInvoiceId, holdsUsage } = draft;
    if (lines.length === 0 && !holdsUsage && replacesInvoiceId === null) {
      empty.push(draft);
      continue;
    }
    const beyond = terms.acceptBounds ? null : beyondBounds(draft, terms.last, bounds);
    if (beyond === null) ready.push(draft);
    else unbillable.push(parked(tenantId, { type: FAILURE.outOfBounds, reason: beyond }));
  }
  return { ready, empty, parked: unbillable };
}

/** A revision that is the same as the invoice it would replace. */
export type UnchangedDraft = BuiltDraft & {
  readonly isForced: boolean;
  readonly replacesInvoiceId: string;
};

export interface ComparedDrafts {
  /** First invoices, and revisions with their changes. */
  readonly issuable: readonly IssuableDraft[];
  /**
   * Revisions that are not issued: nothing would change, and their requests have `onlyIfChanged`. (Late usage that the
   * existing invoice's subscriptions don't explain needs a revision even if all lines are equal.)
   */
  readonly unchanged: readonly UnchangedDraft[];
}

/** Compares each revision with the invoice that it replaces: line by line, and how they are taxed. */
export async function compareRevisions(
  tx: Transaction,
  drafts: readonly CheckedDraft[],
): Promise<ComparedDrafts> {
  const replaced = drafts.flatMap(({ replacesInvoiceId }) => replacesInvoiceId ?? []);
  const before = replaced.length === 0 ? null : await readInvoiceLines(tx, replaced);
  const issuable: IssuableDraft[] = [];
  const unchanged: UnchangedDraft[] = [];
  for (const { terms, ...built } of drafts) {
    const { replacesInvoiceId, lines } = built;
    const draft = { ...built, isForced: terms.isForced };
    if (replacesInvoiceId === null) {
      issuable.push({ ...draft, changes: [] });
      continue;
    }
    const changes = compareLines(before?.get(replacesInvoiceId) ?? [], lines);
    const isSame = changes.length === 0 && isDeepStrictEqual(built.tax, terms.replacedTax);
    if (terms.onlyIfChanged && terms.canKeepReplaced && isSame)
      unchanged.push({ ...draft, replacesInvoiceId });
    else issuable.push({ ...draft, changes });
  }
  return { issuable, unchanged };
}
