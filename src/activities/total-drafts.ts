import { FAILURE } from '../contracts/failures.ts';
import type { TenantResult } from '../contracts/month-end.ts';
import type { LockedDraft } from '../db/drafts.ts';
import { readIssueTerms, type IssueTerms } from '../db/issue-terms.ts';
import type { TotalledDraft } from '../db/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { beyondBounds } from '../domain/bounds.ts';
import { parseCents } from '../domain/cents.ts';
import { invoiceTotals, taxLine } from '../domain/invoice-totals.ts';
import type { Period } from '../domain/period.ts';
import { orParked, parked } from './failures.ts';

/** A draft with its totals, and what its requests say of it. */
export type ReadyDraft = TotalledDraft & Pick<IssueTerms, 'onlyIfChanged'>;

/**
 * Tax and totals of each draft, or why its tenant is parked: nothing to bill, a total that can't
 * be billed, or one beyond the safety bounds that nobody has accepted.
 */
export async function totalDrafts(
  tx: Transaction,
  period: Period,
  drafts: readonly LockedDraft[],
  boundsMaxRatio: string | null,
): Promise<{ readonly ready: readonly ReadyDraft[]; readonly parked: readonly TenantResult[] }> {
  const terms = await readIssueTerms(tx, period, drafts);
  const ready: ReadyDraft[] = [];
  const unbillable: TenantResult[] = [];
  for (const draft of drafts) {
    const { tenantId, draftId } = draft;
    const found = terms.get(draftId);
    if (found?.subtotal == null) {
      const reason = `tenant ${tenantId} has nothing to bill: its last subscription was ended while its invoice was built`;
      unbillable.push(parked(tenantId, { type: FAILURE.notDue, reason }));
      continue;
    }
    const { subtotal, onlyIfChanged, acceptBounds, last } = found;
    const total = orParked<ReadyDraft>(tenantId, () => {
      const totals = invoiceTotals([parseCents(subtotal, `The subtotal of tenant ${tenantId}`)]);
      return { ...draft, ...totals, taxLine: taxLine(totals.taxCents), onlyIfChanged };
    });
    if ('parked' in total) {
      unbillable.push(total.parked);
      continue;
    }
    const beyond = acceptBounds ? null : beyondBounds(total.value.totalCents, last, boundsMaxRatio);
    if (beyond === null) ready.push(total.value);
    else unbillable.push(parked(tenantId, { type: FAILURE.outOfBounds, reason: beyond }));
  }
  return { ready, parked: unbillable };
}
