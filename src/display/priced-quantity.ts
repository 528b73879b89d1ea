import { Decimal, toDecimalString } from '../domain/decimal.ts';

/**
 * A quantity in the unit that its price is for. Quantities are stored in base units (500,000 tokens, priced per 1,000),
 * and people read how many priced units they pay: 500 (docs/spec.md#how-lines-are-shown).
 */

/** An exact number as a decimal, or as a quotient of decimals if it has no end: 1 second of an hour is `1` over `3600`. */
export interface Exact {
  readonly dividend: string;
  /** `"1"` for a decimal. */
  readonly divisor: string;
}

/**
 * Longer decimals are shown as a quotient. The 80 digits of `Decimal` tell them apart: a quotient of two decimals with 12
 * places each has no row of zeros long enough to look like an end.
 */
const MAX_DECIMALS = 24;

/**
 * Divides a quantity by its unit's factor, without rounding.
 * @param qty a decimal string in base units
 * @param factor base units per priced unit, a positive decimal string
 */
export function inPricedUnit(qty: string, factor: string): Exact {
  const exact = new Decimal(qty).dividedBy(factor);
  return exact.decimalPlaces() <= MAX_DECIMALS
    ? { dividend: toDecimalString(exact), divisor: '1' }
    : { dividend: qty, divisor: factor };
}

/** Returns the number as a decimal, rounded to 12 decimals if it has no end. */
export function roundedDecimal({ dividend, divisor }: Exact): string {
  if (divisor === '1') return dividend;
  return toDecimalString(new Decimal(dividend).dividedBy(divisor).toDecimalPlaces(12));
}
