import { TAX_CURRENCY } from '../domain/aud-tax.ts';
import { describeTreatment } from '../domain/invoice-totals.ts';
import type { TaxJson } from '../domain/tax-json.ts';
import { amountText } from './line-text.ts';

/** What people read of an invoice's tax (docs/spec.md#tax). All of it was recorded when the invoice was issued. */

/** Totals and tax of an invoice, as the API serves them. */
export interface TaxedInvoice {
  readonly currency: string;
  readonly subtotal_cents: number;
  readonly taxable_cents: number;
  readonly tax_cents: number;
  readonly total_cents: number;
  readonly tax: TaxJson;
}

export interface TotalRow {
  readonly label: string;
  readonly value: string;
  /** Whether it is the amount to pay. */
  readonly isTotal: boolean;
}

/** Only a seller that is registered for GST may issue tax invoices. */
export function documentTitle({ tax }: TaxedInvoice): 'Tax invoice' | 'Invoice' {
  return tax.seller_registered ? 'Tax invoice' : 'Invoice';
}

/**
 * Returns subtotal, tax and total, and the tax in AUD; only the total if the seller charges no tax at all. The taxable part
 * of the subtotal has a row of its own if it isn't all of it.
 */
export function totalRows(invoice: TaxedInvoice): TotalRow[] {
  const { currency, subtotal_cents, taxable_cents, tax_cents, total_cents, tax } = invoice;
  const total = amountText(total_cents, currency);
  if (!tax.seller_registered) return [{ label: `Total ${currency}`, value: total, isTotal: true }];
  const { label, aud } = tax;
  const isTaxed = chargesTax(invoice);
  return [
    {
      label: isTaxed ? `Subtotal, excluding ${label}` : 'Subtotal',
      value: amountText(subtotal_cents, currency),
      isTotal: false,
    },
    ...(isTaxed && taxable_cents !== subtotal_cents
      ? [{ label: 'Of which taxable', value: amountText(taxable_cents, currency), isTotal: false }]
      : []),
    {
      label: describeTreatment(tax),
      value: amountText(tax_cents, currency),
      isTotal: false,
    },
    {
      label: `Total ${currency}${isTaxed ? `, including ${label}` : ''}`,
      value: total,
      isTotal: true,
    },
    ...(aud
      ? [
          {
            label: `${label} in AUD`,
            value: amountText(aud.tax_cents, TAX_CURRENCY),
            isTotal: false,
          },
        ]
      : []),
  ];
}

/** Returns sentences that explain the tax: what prices include, why there is none, and how it was converted. */
export function taxNotes(invoice: TaxedInvoice): string[] {
  const { currency, subtotal_cents, taxable_cents, tax } = invoice;
  const { label, note, aud } = tax;
  const taxed = taxable_cents === subtotal_cents ? 'all lines' : 'all taxable lines';
  if (!tax.seller_registered) {
    return ['No GST is charged, because the seller is not registered for it.'];
  }
  return [
    ...(chargesTax(invoice)
      ? [
          `Prices and amounts of lines exclude ${label}, which is computed on the subtotal of ${taxed}.`,
        ]
      : []),
    ...(note === null ? [] : [note]),
    ...(aud
      ? [`${label} in AUD is converted at ${aud.rate} AUD for 1 ${currency} (${aud.source}).`]
      : []),
  ];
}

/** Returns the currency of a table of lines, and which tax its amounts exclude: `AUD, excluding GST`. */
export function currencyOfLines(invoice: TaxedInvoice): string {
  return [
    invoice.currency,
    ...(chargesTax(invoice) ? [`excluding ${invoice.tax.label}`] : []),
  ].join(', ');
}

/** Whether lines are taxed. The tax can still round to 0. */
export function chargesTax({ tax }: TaxedInvoice): boolean {
  return tax.seller_registered && /[1-9]/.test(tax.rate);
}

/**
 * Says how a revision is taxed other than the invoice that it replaces; null if it is taxed the same way. That can be
 * the only change, for example of the note on an invoice without tax.
 */
export function taxChangeText(before: TaxJson, after: TaxJson): string | null {
  const [old, now] = [before, after].map(sayTax);
  return old === now ? null : `Tax: ${old}, now ${now}`;
}

function sayTax(tax: TaxJson): string {
  const { treatment, seller_registered, aud } = tax;
  return [
    `${treatment}: ${describeTreatment(tax)}`,
    ...(seller_registered ? [] : ['not charged, because the seller is not registered']),
    ...(aud ? [`converted at ${aud.rate} AUD (${aud.source})`] : []),
  ].join(' ');
}
