import type { TenantResult } from '../contracts/month-end.ts';
import { issueInvoices, keepInvoices, type BuiltDraft } from '../db/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import type { Period } from '../domain/period.ts';
import { checkDrafts, type CheckOptions } from './check-drafts.ts';
import { compareRevisions } from './compare-revisions.ts';
import { invoiced } from './results.ts';

/**
 * Issues drafts in the caller's transaction, who holds the locks of tenants and drafts: the number,
 * the lines, the predecessor superseded, the usage tied to the lines, the outcome. Either all of it
 * is there or nothing. A revision that says what its predecessor says, where nobody wants it then,
 * gives its usage to the invoice that stands.
 */
export async function issueDrafts(
  tx: Transaction,
  period: Period,
  drafts: readonly BuiltDraft[],
  options: CheckOptions,
): Promise<readonly TenantResult[]> {
  const { ready, parked } = await checkDrafts(tx, period, drafts, options);
  const { issuable, unchanged } = await compareRevisions(tx, ready);
  await issueInvoices(tx, period, issuable);
  await keepInvoices(tx, period, unchanged);
  return [
    ...issuable.map((draft) => invoiced('rolled', draft, draft.draftId)),
    ...unchanged.map((draft) => invoiced('unchanged', draft, draft.replacesInvoiceId)),
    ...parked,
  ];
}
