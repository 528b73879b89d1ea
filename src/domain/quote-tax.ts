import { chargedTreatment, invoiceTotals, type TaxTerms } from './invoice-totals.ts';
import type { QuoteJson } from './quote-json.ts';
import { treatmentToJson, type TreatmentJson } from './tax-json.ts';

/** A quote with tax, as the API serves it (docs/spec.md#the-quote). */
export interface TaxedQuoteJson extends QuoteJson {
  readonly first_invoice: QuoteJson['first_invoice'] & TaxedTotal;
  /** Of `all_in_monthly_cents`. */
  readonly tax_cents: number;
  readonly total_cents: number;
  readonly tax: TreatmentJson;
}

interface TaxedTotal {
  readonly tax_cents: number;
  /** Tax included. */
  readonly total_cents: number;
}

/**
 * Adds tax and totals to a quote, computed as an invoice's: once, on the sum of its lines.
 * @throws DomainError `amount_out_of_range`
 */
export function withTax(quote: QuoteJson, terms: TaxTerms): TaxedQuoteJson {
  const charged = chargedTreatment(terms);
  const taxed = (cents: number): TaxedTotal => {
    const { taxCents, totalCents } = invoiceTotals([cents], charged);
    return { tax_cents: taxCents, total_cents: totalCents };
  };
  return {
    ...quote,
    first_invoice: { ...quote.first_invoice, ...taxed(quote.first_invoice.prorated_total_cents) },
    ...taxed(quote.all_in_monthly_cents),
    tax: treatmentToJson(terms),
  };
}
