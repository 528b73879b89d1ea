import { readDraftLines } from '../db/draft-lines.ts';
import { readInvoiceLines, type IssuableDraft, type TotalledDraft } from '../db/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { compareLines, type PlacedLine } from '../domain/line-changes.ts';
import type { ReadyDraft } from './total-drafts.ts';

/** A revision that says what the invoice says that it was to replace. */
export type UnchangedDraft = TotalledDraft & { readonly replacesInvoiceId: string };

export interface ComparedDrafts {
  /** First invoices, and revisions with their differences. */
  readonly issuable: readonly IssuableDraft[];
  /** Revisions that nobody wants, since nothing would change. */
  readonly unchanged: readonly UnchangedDraft[];
}

/** Compares each revision with the invoice that it replaces, line by line. */
export async function compareRevisions(
  tx: Transaction,
  drafts: readonly ReadyDraft[],
): Promise<ComparedDrafts> {
  const revisions = drafts.filter((draft) => draft.replacesInvoiceId !== null);
  if (revisions.length === 0) {
    return { issuable: drafts.map((draft) => ({ ...draft, changes: [] })), unchanged: [] };
  }
  const before = await readInvoiceLines(
    tx,
    revisions.flatMap(({ replacesInvoiceId }) => replacesInvoiceId ?? []),
  );
  const after = await readDraftLines(
    tx,
    revisions.map(({ draftId }) => draftId),
  );
  const issuable: IssuableDraft[] = [];
  const unchanged: UnchangedDraft[] = [];
  for (const draft of drafts) {
    const { replacesInvoiceId } = draft;
    const changes =
      replacesInvoiceId === null
        ? []
        : compareLines(
            before.get(replacesInvoiceId) ?? [],
            withTaxLine(after.get(draft.draftId) ?? [], draft),
          );
    if (replacesInvoiceId !== null && draft.onlyIfChanged && changes.length === 0) {
      unchanged.push({ ...draft, replacesInvoiceId });
    } else {
      issuable.push({ ...draft, changes });
    }
  }
  return { issuable, unchanged };
}

/** The tax line is the last one; a draft has none yet. */
function withTaxLine(lines: readonly PlacedLine[], { taxLine }: TotalledDraft) {
  if (taxLine === null) return lines;
  const lineNo = lines.length + 1;
  return [...lines, { ...taxLine, lineNo, deploymentId: null, subscriptionId: null }];
}
