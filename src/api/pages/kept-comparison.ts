import type { InvoiceHeader } from '../../db/invoices/invoice-views.ts';
import {
  compareFound,
  findCompared,
  type ComparedInvoices,
} from '../../db/invoices/month-comparison.ts';
import type { Queryable } from '../../db/pool.ts';
import { comparedText, type ComparedText } from '../../display/comparison-text.ts';
import { keepOnce, keepUpTo } from '../http/compute-once.ts';

/** An invoice beside the tenant's last one, as pages show it. */
export interface ShownComparison extends ComparedInvoices {
  /** Null if there is no invoice to compare with. */
  readonly text: ComparedText | null;
}

/** Each of some hundred bytes for each charge that differs. */
const KEPT = keepUpTo(100);

/**
 * Compares an invoice with the tenant's last one. The lines are read once for all visits and pages, because those of an
 * issued document never change: a new note, or another last invoice, is another comparison.
 * @throws DomainError `amount_out_of_range`
 */
export async function readShownComparison(
  db: Queryable,
  header: InvoiceHeader,
): Promise<ShownComparison> {
  const { documents, ...found } = await findCompared(db, header);
  const { invoice, comparedWith } = found;
  if (comparedWith === null) return { ...found, text: null };
  const key = [invoice.invoice_id, ...documents.map(({ id }) => id)];
  const text = await keepOnce(KEPT, key, async () =>
    comparedText(await compareFound(db, { invoice, comparedWith, documents }), invoice.currency),
  );
  return { ...found, text };
}
