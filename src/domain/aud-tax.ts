import { minorUnitDecimals } from './currency.ts';
import { Decimal, roundToCents } from './decimal.ts';
import { DomainError } from './errors.ts';
import type { Month } from './period.ts';

/** A recorded exchange rate into AUD. */
export interface AudRate {
  /** AUD for one unit of the other currency (a whole one, such as a dollar), a decimal string. */
  readonly rate: string;
  /** Where it was published. */
  readonly source: string;
}

/** The tax of an invoice in AUD, and the rate that it was converted by. */
export interface AudTax extends AudRate {
  /** In cents of AUD. */
  readonly taxCents: number;
}

/** The currency in which an Australian tax invoice must show its GST. */
export const TAX_CURRENCY = 'AUD';

/**
 * Returns an invoice's tax in AUD, rounded once, half away from zero; null if the invoice is in AUD or has no tax
 * (docs/spec.md#tax).
 * @throws DomainError `missing_exchange_rate` with the command that records it; `amount_out_of_range`
 */
export function taxInAud(
  taxCents: number,
  { month, currency, rate }: { month: Month; currency: string; rate: AudRate | null },
): AudTax | null {
  if (currency === TAX_CURRENCY || taxCents === 0) return null;
  if (rate === null) {
    throw new DomainError(
      'missing_exchange_rate',
      `a tax invoice in ${currency} shows its tax in ${TAX_CURRENCY} too, and no exchange rate is recorded for ` +
        `${month}: record it with \`exchange-rates add ${currency} ${TAX_CURRENCY} ${month} RATE --source SOURCE\``,
    );
  }
  const shift = minorUnitDecimals(TAX_CURRENCY) - minorUnitDecimals(currency);
  const exact = new Decimal(taxCents).times(rate.rate).times(new Decimal(10).pow(shift));
  return { ...rate, taxCents: roundToCents(exact, `The tax in ${TAX_CURRENCY}`) };
}
