import type { InvoiceTax, TaxTerms } from './invoice-totals.ts';

/** By which treatment something is taxed, as the API serves it. */
export interface TreatmentJson {
  readonly treatment: string;
  readonly label: string;
  readonly rate: string;
  readonly note: string | null;
  readonly seller_registered: boolean;
}

/** How an invoice is taxed, as the API serves it. */
export interface TaxJson extends TreatmentJson {
  readonly aud: {
    readonly rate: string;
    readonly source: string;
    readonly tax_cents: number;
  } | null;
}

export function treatmentToJson({
  treatment: { code, label, rate, note },
  sellerRegistered,
}: Pick<TaxTerms, 'treatment' | 'sellerRegistered'>): TreatmentJson {
  return { treatment: code, label, rate, note, seller_registered: sellerRegistered };
}

export function taxToJson(tax: InvoiceTax): TaxJson {
  const { aud } = tax;
  return {
    ...treatmentToJson(tax),
    aud: aud && { rate: aud.rate, source: aud.source, tax_cents: aud.taxCents },
  };
}

/** The reverse of `taxToJson`. */
export function taxFromJson({ treatment, label, rate, note, ...json }: TaxJson): InvoiceTax {
  const { aud } = json;
  return {
    treatment: { code: treatment, label, rate, note },
    sellerRegistered: json.seller_registered,
    aud: aud && { rate: aud.rate, source: aud.source, taxCents: aud.tax_cents },
  };
}
