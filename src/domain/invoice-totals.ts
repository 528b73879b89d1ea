import type { AudRate, AudTax } from './aud-tax.ts';
import { sumCents } from './cents.ts';
import { Decimal, roundToCents, toDecimalString } from './decimal.ts';
import { LINE_KINDS, type LineKind, type QuoteLine } from './types.ts';

/** How an invoice is taxed. Immutable: a new rate gets a new code (docs/spec.md#tax). */
export interface TaxTreatment {
  readonly code: string;
  /** What the tax is called on the invoice, such as `GST`. */
  readonly label: string;
  /** The share of the taxable subtotal, a decimal string: `"0.10"` is 10 %. */
  readonly rate: string;
  /** Printed on the invoice, such as why a supply is free of GST. */
  readonly note: string | null;
}

/** The treatment of tenants to which no other is assigned. `migrations/000016_tax.sql` has the same. */
export const DEFAULT_TREATMENT: TaxTreatment = {
  code: 'gst',
  label: 'GST',
  rate: '0.10',
  note: null,
};

/** What decides the tax of a tenant's invoice for a month. */
export interface TaxTerms {
  readonly treatment: TaxTreatment;
  /** Whether the seller is registered for GST in that month. Otherwise it charges no tax at all. */
  readonly sellerRegistered: boolean;
  /** The rate from the invoice's currency to AUD in that month; null if none is recorded or it is AUD. */
  readonly audRate: AudRate | null;
}

/** The terms that hold until others are recorded. */
export const DEFAULT_TAX: TaxTerms = {
  treatment: DEFAULT_TREATMENT,
  sellerRegistered: true,
  audRate: null,
};

/** How an invoice was taxed, as it keeps it. */
export interface InvoiceTax extends Omit<TaxTerms, 'audRate'> {
  /** Null if the invoice is in AUD or has no tax. */
  readonly aud: AudTax | null;
}

/** An invoice's totals in cents: total = subtotal + tax = the sum of all its lines. */
export interface InvoiceTotals {
  readonly subtotalCents: number;
  /** The part of the subtotal that is taxed. */
  readonly taxableCents: number;
  readonly taxCents: number;
  readonly totalCents: number;
}

/** Returns the treatment as it is charged: at the rate 0 if the seller isn't registered. */
export function chargedTreatment({
  treatment,
  sellerRegistered,
}: Pick<TaxTerms, 'treatment' | 'sellerRegistered'>): TaxTreatment {
  return sellerRegistered ? treatment : { ...treatment, rate: '0' };
}

/**
 * Returns an invoice's totals from the amounts of all its lines before tax, credits included. Tax is computed
 * once, on the taxable part of the subtotal, and rounded half away from zero (docs/spec.md#tax).
 * @param untaxedAmountsCents the amounts of lines that are not taxable
 * @throws DomainError `amount_out_of_range`, `invalid_amount`
 */
export function invoiceTotals(
  taxableAmountsCents: readonly number[],
  { rate }: TaxTreatment,
  untaxedAmountsCents: readonly number[] = [],
): InvoiceTotals {
  const what = "The invoice's subtotal";
  const taxableCents = sumCents(taxableAmountsCents, what);
  const subtotalCents = sumCents([taxableCents, ...untaxedAmountsCents], what);
  // The rate is below 1, so the tax of an amount in range is in range.
  const taxCents = roundToCents(new Decimal(taxableCents).times(rate));
  return {
    subtotalCents,
    taxableCents,
    taxCents,
    totalCents: sumCents([subtotalCents, taxCents], "The invoice's total"),
  };
}

/**
 * Returns the invoice's last line, or null if there is no tax. Its quantity is the one invoice taxed; the rate is
 * in `meta`.
 */
export function taxLine(taxCents: number, treatment: TaxTreatment): QuoteLine | null {
  if (taxCents === 0) return null;
  return {
    kind: 'tax',
    resourceKind: null,
    description: describeTreatment(treatment),
    qty: '1',
    unit: 'invoice',
    unitPriceCents: null,
    amountCents: taxCents,
    meta: { rate: treatment.rate },
  };
}

/** Returns label and rate as an invoice shows them: `GST (12.5%)`. */
export function describeTreatment({ label, rate }: Pick<TaxTreatment, 'label' | 'rate'>): string {
  return `${label} (${formatPercent(rate)})`;
}

/** Returns a rate as a percentage: `"0.125"` → `12.5%`. */
export function formatPercent(rate: string): string {
  return `${toDecimalString(new Decimal(rate).times(100))}%`;
}

/** The kinds of lines that make up the subtotal: all but tax. */
export type SubtotalKind = Exclude<LineKind, 'tax'>;
export const SUBTOTAL_KINDS = LINE_KINDS.filter((kind): kind is SubtotalKind => kind !== 'tax');
