import { Decimal } from './decimal.ts';
import { formatMoney } from './format.ts';

/** The invoice that a total is compared with before it is issued: the one that it replaces, or the tenant's last one. */
export interface LastInvoice {
  readonly number: string;
  readonly totalCents: number;
  /** The tenant joined or left in the month of the total, which may therefore be low. By default false. */
  readonly isMonthPartial?: boolean;
  /** The tenant joined or left in the month of this invoice, whose total may therefore be low. By default false. */
  readonly isLastMonthPartial?: boolean;
}

/** An amount for each currency, in its minor unit. */
export interface AmountPerCurrency {
  readonly byCurrency: ReadonlyMap<string, number>;
  /** For every other currency. */
  readonly otherCents: number;
}

/** The safety bounds of totals: docs/spec.md, "Safety bounds". */
export interface Bounds {
  /** How many times larger or smaller than the last total a total may be: a decimal string, at least 1; null: no limit. */
  readonly ratio: string | null;
  /** The ratio doesn't apply if neither total is above this amount. */
  readonly floor: AmountPerCurrency;
  /** Maximum total if there is no last total above 0; null: no limit. */
  readonly firstMax: AmountPerCurrency | null;
}

/**
 * In minor units, whose value differs less between currencies than that of major units: a floor of
 * AUD 50.00, JPY 5,000 or KWD 5.000, a first invoice of AUD 10,000.00, JPY 1,000,000 or KWD 1,000.000.
 */
export const DEFAULT_BOUNDS = {
  ratio: '10',
  floor: { byCurrency: new Map(), otherCents: 5_000 },
  firstMax: { byCurrency: new Map(), otherCents: 1_000_000 },
} as const satisfies Bounds;

/** Bounds that accept any total. */
export const NO_BOUNDS: Bounds = { ...DEFAULT_BOUNDS, ratio: null, firstMax: null };

/**
 * Checks whether a total differs so much from the last one, or is so high for a first one, that an
 * operator must accept it first.
 * @param last null if there is none: then, or if its total is 0 or less, only the limit of first invoices applies
 * @returns null if the total is within the bounds, otherwise the reason, for operators
 */
export function beyondBounds(
  { totalCents, currency }: { readonly totalCents: number; readonly currency: string },
  last: LastInvoice | null,
  { ratio, floor, firstMax }: Bounds,
): string | null {
  const show = (cents: number) => formatMoney(cents, currency);
  const max = firstMax === null ? Infinity : amountIn(firstMax, currency);
  if (last === null || last.totalCents <= 0) {
    if (totalCents <= max) return null;
    return (
      `the total would be ${show(totalCents)}, more than the limit of ${show(max)} ` +
      `for a tenant without an earlier total above 0: ${WHAT_TO_DO}`
    );
  }
  if (ratio === null || Math.max(totalCents, last.totalCents) <= amountIn(floor, currency)) {
    return null;
  }
  // A partial month explains a low total, so it only lifts the bound that the low total would break.
  const isAbove =
    new Decimal(totalCents).greaterThan(new Decimal(last.totalCents).times(ratio)) &&
    !(last.isLastMonthPartial === true && totalCents <= max);
  const isBelow =
    new Decimal(totalCents).times(ratio).lessThan(last.totalCents) && last.isMonthPartial !== true;
  if (!isAbove && !isBelow) return null;
  return (
    `the total would be ${show(totalCents)}, ` +
    `${isAbove ? `more than ${ratio} times` : `less than 1/${ratio} of`} ` +
    `the ${show(last.totalCents)} of ${last.number}: ${WHAT_TO_DO}`
  );
}

const WHAT_TO_DO =
  'if it is right, accept it with a rerun; if not, exclude wrong events or send missing ones';

function amountIn({ byCurrency, otherCents }: AmountPerCurrency, currency: string): number {
  return byCurrency.get(currency) ?? otherCents;
}
