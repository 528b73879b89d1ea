import { readInvoiceLines, type BuiltDraft, type IssuableDraft } from '../db/invoices/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { compareLines } from '../domain/line-changes.ts';
import type { CheckedDraft } from './check-drafts.ts';

/** A revision that is the same as the invoice it would replace. */
export type UnchangedDraft = BuiltDraft & {
  readonly isForced: boolean;
  readonly replacesInvoiceId: string;
};

export interface ComparedDrafts {
  /** First invoices, and revisions with their changes. */
  readonly issuable: readonly IssuableDraft[];
  /** Revisions that are not issued: nothing would change, and their requests have `onlyIfChanged`. */
  readonly unchanged: readonly UnchangedDraft[];
}

/** Compares each revision with the invoice that it replaces, line by line. */
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
    if (terms.onlyIfChanged && changes.length === 0)
      unchanged.push({ ...draft, replacesInvoiceId });
    else issuable.push({ ...draft, changes });
  }
  return { issuable, unchanged };
}
