import { FAILURE } from '../contracts/failures.ts';
import type { TenantResult } from '../contracts/month-end.ts';
import type { OwnDraft } from '../db/invoices/drafts.ts';
import type { IssueTerms } from '../db/invoices/drafts-to-issue.ts';
import type { BuiltDraft } from '../db/invoices/invoices.ts';
import { beyondBounds, type Bounds } from '../domain/bounds.ts';
import { parked } from './results.ts';

/** The invoice that a draft would be, and what its requests say of it. */
export type CheckedDraft = BuiltDraft & { readonly terms: IssueTerms };

/**
 * Which drafts may be issued, or why their tenants are parked: nothing to bill, or a total beyond
 * the safety bounds that nobody has accepted.
 */
export function checkDrafts(
  drafts: readonly CheckedDraft[],
  bounds: Bounds,
): { readonly ready: readonly CheckedDraft[]; readonly parked: readonly TenantResult[] } {
  const ready: CheckedDraft[] = [];
  const unbillable: TenantResult[] = [];
  for (const draft of drafts) {
    const { lines, terms, tenantId, replacesInvoiceId } = draft;
    // A revision may come to nothing: it takes back what its predecessor charged.
    if (lines.length === 0 && replacesInvoiceId === null) {
      unbillable.push(parked(tenantId, nothingToBill(draft)));
      continue;
    }
    const beyond = terms.acceptBounds ? null : beyondBounds(draft, terms.last, bounds);
    if (beyond === null) ready.push(draft);
    else unbillable.push(parked(tenantId, { type: FAILURE.outOfBounds, reason: beyond }));
  }
  return { ready, parked: unbillable };
}

function nothingToBill({ tenantId }: OwnDraft) {
  const reason = `tenant ${tenantId} has nothing to bill: its last subscription was ended while its invoice was built`;
  return { type: FAILURE.notDue, reason };
}
