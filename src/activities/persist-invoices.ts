import type { DraftsInput, PersistInvoicesResult } from '../contracts/activities.ts';
import { readDraftLines } from '../db/draft-lines.ts';
import { assembleInvoice } from '../domain/compose-invoice.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod } from './failures.ts';
import { issueOpenedDrafts } from './issue-opened-drafts.ts';
import { orParked, splitParked } from './results.ts';

/** Issues the drafts from their lines in one transaction, the last of the steps. */
export function persistInvoices({ db, bounds }: ActivityDeps) {
  return async ({ month, drafts, owner }: DraftsInput): Promise<PersistInvoicesResult> => {
    const results = await issueOpenedDrafts(db, requirePeriod(month), {
      drafts,
      owner,
      bounds,
      build: async (tx, fresh) => {
        const lines = await readDraftLines(
          tx,
          fresh.map(({ draftId }) => draftId),
        );
        return splitParked(
          fresh.map((draft) =>
            orParked(draft.tenantId, () => ({
              ...draft,
              ...assembleInvoice(lines.get(draft.draftId) ?? []),
            })),
          ),
        );
      },
    });
    return { results };
  };
}
