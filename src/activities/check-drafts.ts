import { FAILURE } from '../contracts/failures.ts';
import type { TenantResult } from '../contracts/month-end.ts';
import type { OwnDraft } from '../db/drafts.ts';
import { readIssueTerms, type IssueTerms } from '../db/issue-terms.ts';
import type { BuiltDraft } from '../db/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { beyondBounds, type Bounds } from '../domain/bounds.ts';
import type { Period } from '../domain/period.ts';
import { parked } from './results.ts';

/** A draft that may be issued, and what its requests say of it. */
export type ReadyDraft = BuiltDraft & Pick<IssueTerms, 'isForced' | 'onlyIfChanged'>;

export interface CheckOptions {
  readonly bounds: Bounds;
  /** By draft, where they have been read already. */
  readonly knownTerms?: ReadonlyMap<string, IssueTerms>;
}

/**
 * Which drafts may be issued, or why their tenants are parked: nothing to bill, or a total beyond
 * the safety bounds that nobody has accepted.
 */
export async function checkDrafts(
  tx: Transaction,
  period: Period,
  drafts: readonly BuiltDraft[],
  { bounds, knownTerms = new Map() }: CheckOptions,
): Promise<{ readonly ready: readonly ReadyDraft[]; readonly parked: readonly TenantResult[] }> {
  const read = await readIssueTerms(
    tx,
    period,
    drafts.filter(({ draftId }) => !knownTerms.has(draftId)),
  );
  const ready: ReadyDraft[] = [];
  const unbillable: TenantResult[] = [];
  for (const draft of drafts) {
    const found = knownTerms.get(draft.draftId) ?? read.get(draft.draftId);
    // A revision may come to nothing: it takes back what its predecessor charged.
    if (!found || (draft.lines.length === 0 && draft.replacesInvoiceId === null)) {
      unbillable.push(parked(draft.tenantId, nothingToBill(draft)));
      continue;
    }
    const { isForced, onlyIfChanged, acceptBounds, last } = found;
    const beyond = acceptBounds ? null : beyondBounds(draft, last, bounds);
    if (beyond === null) ready.push({ ...draft, isForced, onlyIfChanged });
    else unbillable.push(parked(draft.tenantId, { type: FAILURE.outOfBounds, reason: beyond }));
  }
  return { ready, parked: unbillable };
}

function nothingToBill({ tenantId }: OwnDraft) {
  const reason = `tenant ${tenantId} has nothing to bill: its last subscription was ended while its invoice was built`;
  return { type: FAILURE.notDue, reason };
}
