import { abandonDrafts, refuseForcedRequests, type OwnDraft } from '../db/invoices/drafts.ts';
import { lockInvoices } from '../db/invoices/invoices.ts';
import type { Transaction } from '../db/pool.ts';
import type { Period } from '../domain/period.ts';
import { invoiced, type Invoiced } from './results.ts';

/**
 * Refuses revisions whose invoice was paid or voided while they were being built: such an invoice stays.
 * @returns the remaining drafts, and the results of the refused ones
 */
export async function refuseStale<Draft extends OwnDraft>(
  tx: Transaction,
  period: Period,
  drafts: readonly Draft[],
): Promise<{ readonly fresh: readonly Draft[]; readonly refused: readonly Invoiced[] }> {
  const replaced = drafts.flatMap(({ replacesInvoiceId }) => replacesInvoiceId ?? []);
  if (replaced.length === 0) return { fresh: drafts, refused: [] };
  const standing = new Map(
    (await lockInvoices(tx, replaced)).map((invoice) => [invoice.invoiceId, invoice]),
  );
  const fresh: Draft[] = [];
  const refused: Invoiced[] = [];
  for (const draft of drafts) {
    const { draftId, tenantId, replacesInvoiceId } = draft;
    const invoice = standing.get(replacesInvoiceId ?? '');
    if (!invoice || invoice.status === 'issued') {
      fresh.push(draft);
      continue;
    }
    const reason = `invoice ${invoice.number} is ${invoice.status}: it is never rebuilt`;
    await abandonDrafts(tx, [draftId], reason);
    await refuseForcedRequests(tx, period, tenantId, reason);
    const { invoiceId, totalCents } = invoice;
    refused.push(invoiced('skipped', { tenantId, totalCents }, invoiceId));
  }
  return { fresh, refused };
}
