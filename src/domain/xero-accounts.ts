import { sumCents } from './cents.ts';
import { Decimal, roundToCents } from './decimal.ts';

/** Accounts and tax names in Xero, and the tax that Xero computes (docs/operations/export-to-xero.md). */

/** The kinds of lines that are booked. Tax isn't: Xero computes it. */
export const BOOKED_KINDS = [
  'plan_base',
  'addon',
  'overage',
  'llm_usage',
  'item',
  'credit',
] as const;
export type BookedKind = (typeof BOOKED_KINDS)[number];

/** Where lines of a kind are booked. Names are spelled as in Xero. */
export interface KindMapping {
  readonly account_code: string;
  /** The name of the tax rate, by tax treatment. */
  readonly tax_types: Readonly<Record<string, string>>;
  /** The name of the tax rate of lines that are not taxed at all. */
  readonly untaxed_tax_type: string | null;
}

/** The `xero` settings of the seller file. */
export interface XeroSettings {
  readonly line_kinds: Readonly<Partial<Record<BookedKind, KindMapping>>>;
  /** Where the cents go by which Xero's tax differs from ours. Null: the difference is only shown. */
  readonly rounding: { readonly account_code: string; readonly tax_type: string } | null;
}

/** What decides where a line is booked. */
export interface LineToBook {
  readonly kind: string;
  /** The code of the document's tax treatment. */
  readonly treatment: string;
  /** Whether the treatment applies to it: the seller is registered for GST, and the line is taxable. */
  readonly isTaxed: boolean;
}

export interface Booking {
  readonly accountCode: string;
  readonly taxType: string;
}

/** Returns where a line is booked, or the path of the setting that is missing. */
export function bookingOf(
  settings: XeroSettings,
  { kind, treatment, isTaxed }: LineToBook,
): Booking | { readonly missing: string } {
  const path = `xero.line_kinds.${kind}`;
  const mapping = isBooked(kind) ? settings.line_kinds[kind] : undefined;
  if (mapping === undefined) return { missing: path };
  const { account_code: accountCode, tax_types, untaxed_tax_type } = mapping;
  if (!isTaxed) {
    return untaxed_tax_type === null
      ? { missing: `${path}.untaxed_tax_type` }
      : { accountCode, taxType: untaxed_tax_type };
  }
  const taxType = Object.hasOwn(tax_types, treatment) ? tax_types[treatment] : undefined;
  return taxType === undefined
    ? { missing: `${path}.tax_types.${treatment}` }
    : { accountCode, taxType };
}

function isBooked(kind: string): kind is BookedKind {
  return BOOKED_KINDS.some((booked) => booked === kind);
}

/**
 * Returns the tax that Xero computes for tax-exclusive lines, in cents: per line, each rounded half away from zero.
 * Only for currencies with two decimals: Xero rounds to hundredths in every currency. Ours is rounded once per document (docs/spec.md#tax).
 * @param amountsCents of the taxed lines
 */
export function taxInXero(amountsCents: readonly number[], rate: string): number {
  return sumCents(
    amountsCents.map((cents) => roundToCents(new Decimal(cents).times(rate))),
    "Xero's tax",
  );
}
