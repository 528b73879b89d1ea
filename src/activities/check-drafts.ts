import { FAILURE } from '../contracts/failures.ts';
import type { TenantResult } from '../contracts/month-end.ts';
import type { OwnDraft } from '../db/invoices/drafts.ts';
import type { IssueTerms } from '../db/invoices/drafts-to-issue.ts';
import type { BuiltDraft } from '../db/invoices/invoices.ts';
import { beyondBounds, type Bounds } from '../domain/bounds.ts';
import { parked } from './results.ts';

/** The invoice that a draft would become, and the terms of its requests. */
export type CheckedDraft = BuiltDraft & { readonly terms: IssueTerms };

/**
 * Splits drafts into those that may be issued and parked tenants: with nothing to bill, or with a total beyond the
 * safety bounds that no request accepts.
 */
export function checkDrafts(
  drafts: readonly CheckedDraft[],
  bounds: Bounds,
): { readonly ready: readonly CheckedDraft[]; readonly parked: readonly TenantResult[] } {
  const ready: CheckedDraft[] = [];
  const unbillable: TenantResult[] = [];
  for (const draft of drafts) {
    const { lines, terms, tenantId, replacesInvoiceId } = draft;
    // A revision without lines is valid: it credits what its predecessor charged.
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
  const reason = `tenant ${tenantId} has nothing to bill: its last subscription was ended while its invoice was being built`;
  return { type: FAILURE.notDue, reason };
}
