import type { TenantResult } from '../contracts/month-end.ts';
import type { OwnDraft } from '../db/drafts.ts';
import { heldByDrafts } from '../db/held-usage.ts';
import { readInvoiceInputs } from '../db/invoice-inputs.ts';
import type { BuiltDraft } from '../db/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import { composeInvoice } from '../domain/compose-invoice.ts';
import type { Period } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';
import { orParked, splitParked } from './results.ts';

/** The whole invoice of each draft, from what is sealed for it, or why its tenant is parked. */
export async function composeDrafts(
  tx: Transaction,
  period: Period,
  drafts: readonly OwnDraft[],
  planVersions: Map<string, PlanVersion>,
): Promise<{ readonly values: readonly BuiltDraft[]; readonly parked: readonly TenantResult[] }> {
  if (drafts.length === 0) return { values: [], parked: [] };
  const tenants = await readInvoiceInputs(
    tx,
    period,
    drafts.map((draft) => ({ ...draft, owner: draft.draftId })),
    heldByDrafts(drafts),
    planVersions,
  );
  return splitParked(
    tenants.map(({ tenant: { draftId, tenantId, currency, replacesInvoiceId }, inputs }) =>
      orParked(tenantId, () => ({
        draftId,
        tenantId,
        currency,
        replacesInvoiceId,
        ...composeInvoice(inputs),
      })),
    ),
  );
}
