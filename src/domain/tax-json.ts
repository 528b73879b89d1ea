import type { InvoiceTax } from './invoice-totals.ts';

/** How an invoice is taxed, as the API serves it. */
export interface TaxJson {
  readonly treatment: string;
  readonly label: string;
  readonly rate: string;
  readonly note: string | null;
  readonly seller_registered: boolean;
  readonly aud: {
    readonly rate: string;
    readonly source: string;
    readonly tax_cents: number;
  } | null;
}

/** Returns how an invoice is taxed, as the API serves it. */
export function taxToJson({ treatment, sellerRegistered, aud }: InvoiceTax): TaxJson {
  const { code, label, rate, note } = treatment;
  return {
    ...{ treatment: code, label, rate, note, seller_registered: sellerRegistered },
    aud: aud && { rate: aud.rate, source: aud.source, tax_cents: aud.taxCents },
  };
}
