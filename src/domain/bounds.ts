import { Decimal } from './decimal.ts';
import { formatMoney } from './format.ts';

/** What an invoice's total is compared with before it is issued. */
export interface LastInvoice {
  readonly number: string;
  readonly totalCents: number;
}

/** An amount for each currency, in its minor unit. */
export interface AmountPerCurrency {
  readonly byCurrency: ReadonlyMap<string, number>;
  /** For every other currency. */
  readonly otherCents: number;
}

/** The safety bounds of totals: docs/spec.md, "Safety bounds". */
export interface Bounds {
  /** How many times larger or smaller a total may be than the last one, a decimal string from 1; null: any. */
  readonly ratio: string | null;
  /** Where neither total is above this amount, the ratio doesn't count. */
  readonly floor: AmountPerCurrency;
  /** What a total may come to where there is no last total above 0; null: any amount. */
  readonly firstMax: AmountPerCurrency | null;
}

/**
 * By minor units, whose value differs less between currencies than that of major units: a floor of
 * AUD 50.00, JPY 5,000 or KWD 5.000, a first invoice of AUD 10,000.00, JPY 1,000,000 or KWD 1,000.000.
 */
export const DEFAULT_BOUNDS = {
  ratio: '10',
  floor: { byCurrency: new Map(), otherCents: 5_000 },
  firstMax: { byCurrency: new Map(), otherCents: 1_000_000 },
} as const satisfies Bounds;

/** Any total is within these. */
export const NO_BOUNDS: Bounds = { ...DEFAULT_BOUNDS, ratio: null, firstMax: null };

/**
 * Checks whether a total is so far from the last one, or so high for a first one, that an operator
 * has to accept it first.
 * @param last the invoice that it replaces, or the tenant's last one; null: none. A total of 0 or
 * less is no measure: then the limit of first invoices applies.
 * @returns null if it is within the bounds, else the reason, for operators
 */
export function beyondBounds(
  { totalCents, currency }: { readonly totalCents: number; readonly currency: string },
  last: LastInvoice | null,
  { ratio, floor, firstMax }: Bounds,
): string | null {
  const show = (cents: number) => formatMoney(cents, currency);
  if (last === null || last.totalCents <= 0) {
    const max = firstMax === null ? Infinity : amountIn(firstMax, currency);
    if (totalCents <= max) return null;
    return (
      `the total would be ${show(totalCents)}, more than the limit of ${show(max)} ` +
      `for a tenant without an earlier total above 0: ${WHAT_TO_DO}`
    );
  }
  if (ratio === null || Math.max(totalCents, last.totalCents) <= amountIn(floor, currency)) {
    return null;
  }
  const isAbove = new Decimal(totalCents).greaterThan(new Decimal(last.totalCents).times(ratio));
  const isBelow = new Decimal(totalCents).times(ratio).lessThan(last.totalCents);
  if (!isAbove && !isBelow) return null;
  return (
    `the total would be ${show(totalCents)}, ` +
    `${isAbove ? `more than ${ratio} times` : `less than 1/${ratio} of`} ` +
    `the ${show(last.totalCents)} of ${last.number}: ${WHAT_TO_DO}`
  );
}

const WHAT_TO_DO =
  'if it is right, force the tenant with "acceptBounds": true and a reason; if not, exclude wrong events or send missing ones';

function amountIn({ byCurrency, otherCents }: AmountPerCurrency, currency: string): number {
  return byCurrency.get(currency) ?? otherCents;
}
