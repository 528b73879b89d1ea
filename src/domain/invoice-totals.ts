import { sumCents } from './cents.ts';
import { Decimal, roundToCents } from './decimal.ts';
import type { QuoteLine } from './types.ts';

/** GST as a share of the subtotal, a decimal string. */
export const GST_RATE = '0.10';

/** An invoice's totals in cents: total = subtotal + tax = the sum of all its lines. */
export interface InvoiceTotals {
  readonly subtotalCents: number;
  readonly taxCents: number;
  readonly totalCents: number;
}

/**
 * Returns an invoice's totals from the amounts of all its lines before tax. GST is computed once,
 * on the invoice's subtotal (docs/spec.md#tax).
 * @throws DomainError `amount_out_of_range`, `invalid_amount`
 */
export function invoiceTotals(lineAmountsCents: readonly number[]): InvoiceTotals {
  const subtotalCents = sumCents(lineAmountsCents, "The invoice's subtotal");
  // A tenth of an amount in range is in range.
  const taxCents = roundToCents(new Decimal(subtotalCents).times(GST_RATE));
  return {
    subtotalCents,
    taxCents,
    totalCents: sumCents([subtotalCents, taxCents], "The invoice's total"),
  };
}

/**
 * Returns the invoice's last line, or null if there is no tax. Its quantity is the one invoice
 * taxed; the rate is in `meta`.
 */
export function taxLine(taxCents: number): QuoteLine | null {
  if (taxCents <= 0) return null;
  return {
    kind: 'tax',
    resourceKind: null,
    description: 'GST (10%)',
    qty: '1',
    unit: 'invoice',
    unitPriceCents: null,
    amountCents: taxCents,
    meta: { rate: GST_RATE },
  };
}
