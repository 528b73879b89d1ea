import type { DraftsInput, PersistInvoicesResult } from '../contracts/activity-types.ts';
import type { TenantResult } from '../contracts/month-end-types.ts';
import { lockDrafts, type LockedDraft, type OwnDraft } from '../db/invoices/drafts.ts';
import { readDraftsToIssue, type DraftToIssue } from '../db/invoices/drafts-to-issue.ts';
import { closeWithoutInvoice, keepInvoices } from '../db/invoices/close-drafts.ts';
import {
  issueInvoices,
  lockInvoices,
  readInvoiceLines,
  type IssuableDraft,
} from '../db/invoices/invoices.ts';
import type { LineRow } from '../db/invoices/line-rows.ts';
import type { Transaction } from '../db/pool.ts';
import type { TenantToCompare } from '../db/usage/compare-control-totals.ts';
import { recordOutcomes } from '../db/month-end/tenant-outcomes.ts';
import { formatMoney } from '../domain/format.ts';
import { whileComparing } from './compare-while-issuing.ts';
import { checkDrafts, compareRevisions, refuseStale, toDocument } from './check-drafts.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod, splitLost } from './activity-failures.ts';
import {
  adjusted,
  invoiced,
  nothingToBill,
  orParked,
  splitParked,
  type IssuedNote,
  type Finished,
} from './tenant-results.ts';

/**
 * Issues drafts from the lines that the earlier steps wrote and the invoice items that are free, all in one transaction:
 * it assigns the number, writes the lines, supersedes the predecessor, ties the usage to the lines and records the
 * outcome. If the predecessor is settled, the draft becomes an adjustment note of it instead. If a revision equals its
 * predecessor and its requests have `onlyIfChanged`, or a note would have no difference, its usage moves to an existing
 * document instead. A draft without
 * lines and usage is closed without an invoice. A retry after a commit reports the same result.
 */
export function persistInvoices({ db, bounds, controlTotals }: ActivityDeps) {
  return async (input: DraftsInput): Promise<PersistInvoicesResult> => {
    const period = await requirePeriod(db, input.month);
    return whileComparing(db, async (tx, findDifferences) => {
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
      await recordOutcomes(tx, period, refused);
      const inputs = await readDraftsToIssue(tx, period, fresh, {
        withControlTotals: controlTotals === 'park',
      });
      const differences = await findDifferences(toCompare(fresh, inputs));
      const linesOf = await readLinesBefore(tx, fresh, inputs);
      const built = splitParked(
        fresh.map((draft) =>
          orParked(draft.tenantId, () =>
            toDocument(input.month, draft, inputs.get(draft.draftId), linesOf),
          ),
        ),
      );
      const { ready, empty, parked } = checkDrafts(built.values, bounds, differences);
      const { issuable, unchanged } = compareRevisions(ready, linesOf);
      await issueInvoices(tx, period, issuable);
      await keepInvoices(tx, period, unchanged);
      await closeWithoutInvoice(tx, period, empty);
      const results: TenantResult[] = [
        ...done.values(),
        ...issuable.map((draft) =>
          draft.isNote ? adjusted(noteOf(draft)) : invoiced('rolled', draft, draft.draftId),
        ),
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

/** Returns the tenants whose control totals decide whether their drafts are issued: most have none. */
function toCompare(
  drafts: readonly OwnDraft[],
  inputs: ReadonlyMap<string, DraftToIssue>,
): readonly TenantToCompare[] {
  return drafts.flatMap(({ draftId, tenantId }) => {
    const months = inputs.get(draftId)?.comparedMonths ?? null;
    return months === null ? [] : { tenantId, months };
  });
}

/** Returns the lines of the invoices that drafts replace or adjust, and of the notes of those, by document. */
async function readLinesBefore(
  tx: Transaction,
  drafts: readonly OwnDraft[],
  inputs: ReadonlyMap<string, DraftToIssue>,
): Promise<(documentId: string) => readonly LineRow[]> {
  const documentIds = drafts.flatMap(({ draftId, replacesInvoiceId }) =>
    replacesInvoiceId === null
      ? []
      : [replacesInvoiceId, ...(inputs.get(draftId)?.terms.adjusted?.rerunIds ?? [])],
  );
  const lines = documentIds.length === 0 ? null : await readInvoiceLines(tx, documentIds);
  return (documentId) => lines?.get(documentId) ?? [];
}

function noteOf({ tenantId, draftId, replacesInvoiceId, totalCents }: IssuableDraft): IssuedNote {
  return { tenantId, invoiceId: replacesInvoiceId ?? '', noteId: draftId, totalCents };
}

/** Returns what an earlier attempt of the same run committed, by draft. */
async function doneBefore(
  tx: Transaction,
  ours: readonly LockedDraft[],
): Promise<ReadonlyMap<string, Finished>> {
  const done = ours.flatMap((draft) => {
    const documentId = documentOf(draft);
    return documentId === null ? [] : { draft, documentId };
  });
  const documentIds = done.map(({ documentId }) => documentId);
  const documents = documentIds.length === 0 ? [] : await lockInvoices(tx, documentIds);
  const byId = new Map(documents.map((document) => [document.invoiceId, document]));
  const results = done.flatMap(({ draft, documentId }): readonly [string, Finished][] => {
    const { draftId, tenantId, state } = draft;
    const document = byId.get(documentId);
    if (!document) return [];
    const { totalCents, adjustsInvoiceId } = document;
    if (adjustsInvoiceId !== null) {
      const note = { tenantId, invoiceId: adjustsInvoiceId, noteId: documentId, totalCents };
      return [[draftId, adjusted(note)]];
    }
    const outcome = state === 'issued' ? 'rolled' : 'unchanged';
    return [[draftId, invoiced(outcome, { tenantId, totalCents }, documentId)]];
  });
  const empty = ours.filter(({ state }) => state === 'nothing_to_bill');
  return new Map<string, Finished>([
    ...results,
    ...empty.map(({ draftId, tenantId }) => [draftId, nothingToBill(tenantId)] as const),
  ]);
}

/** Returns the document that a finished draft became, or the invoice that stayed; null if it isn't finished. */
function documentOf({ state, draftId, replacesInvoiceId }: LockedDraft): string | null {
  if (state === 'issued') return draftId;
  return state === 'unchanged' ? replacesInvoiceId : null;
}
