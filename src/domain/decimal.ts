import { Decimal as DecimalJs } from 'decimal.js';
import { DomainError } from './errors.ts';

/**
 * Exact decimals for quantities and money on their way to cents (docs/spec.md#money-and-quantities).
 *
 * 80 digits hold every product, so nothing is rounded before `roundToCents`: a sum of quantities has at
 * most 24 digits before and 12 after the point, a unit price 16 and 12, which makes 64 for their
 * product.
 *
 * Only divisions may not terminate. Their divisors are days of a month, and factors of units with at
 * most 24 digits, 12 of them after the point. An exact quotient is either half a cent or at least
 * 5 × 10^-37 of a cent away from it, and amounts have 16 digits before the point. So the digits lost
 * after the eightieth can't change a rounding.
 */
export const Decimal = DecimalJs.clone({
  precision: 80,
  rounding: DecimalJs.ROUND_HALF_UP,
  toExpNeg: -9e15,
  toExpPos: 9e15,
});
export type Decimal = DecimalJs;

const MAX_CENTS = new Decimal(Number.MAX_SAFE_INTEGER);

/** The form accepted from senders: not negative, at most 12 digits before and 12 after the point. */
export const DECIMAL_PATTERN = /^(?:0|[1-9]\d{0,11})(?:\.\d{1,12})?$/;

/** The form of sums of those, and of plans' quantities: up to 24 digits before the point. */
export const DECIMAL_SUM_PATTERN = /^(?:0|[1-9]\d{0,23})(?:\.\d{1,12})?$/;

/** Whether `text` is a decimal that senders may send (see `DECIMAL_PATTERN`). */
export function isDecimalString(text: string): boolean {
  return DECIMAL_PATTERN.test(text);
}

/**
 * Parses a decimal from a sender: an LLM charge or a metered quantity.
 * @throws DomainError `invalid_decimal`
 */
export function parseDecimal(text: string): Decimal {
  return parseMatching(DECIMAL_PATTERN, text, 'at most 12 digits before and 12 after the point');
}

/**
 * Parses a decimal that may be a sum of many: wider than what one sender may send, narrow enough to
 * keep every computation exact.
 * @throws DomainError `invalid_decimal`
 */
export function parseDecimalSum(text: string): Decimal {
  return parseMatching(
    DECIMAL_SUM_PATTERN,
    text,
    'at most 24 digits before and 12 after the point',
  );
}

function parseMatching(pattern: RegExp, text: string, digits: string): Decimal {
  if (!pattern.test(text)) {
    throw new DomainError(
      'invalid_decimal',
      `${JSON.stringify(text)} is not a decimal: expected digits such as "0.25", ` +
        `without sign, exponent or leading zeros, ${digits}`,
    );
  }
  return new Decimal(text);
}

/** Returns the canonical text of a decimal: no exponent, no trailing zeros, no `"-0"`. */
export function toDecimalString(value: Decimal): string {
  return value.toFixed();
}

/**
 * `"12.500"` → `"12.5"`. Accepts sums too (`numeric` columns have trailing zeros).
 * @throws DomainError `invalid_decimal`
 */
export function normalizeDecimalString(text: string): string {
  // Matching text is canonical except for its zeros, so it needn't be parsed and formatted.
  if (!DECIMAL_SUM_PATTERN.test(text)) return toDecimalString(parseDecimalSum(text));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Returns the exact sum; 0 for none. */
export function sumDecimals(values: Iterable<Decimal>): Decimal {
  let sum = new Decimal(0);
  for (const value of values) sum = sum.plus(value);
  return sum;
}

/**
 * Rounds to cents, half away from zero: a line's only rounding.
 * @param what names the amount in the error
 * @throws DomainError `amount_out_of_range` beyond ±(2^53 − 1) cents
 */
export function roundToCents(value: Decimal, what = 'An amount'): number {
  const rounded = value.toDecimalPlaces(0, Decimal.ROUND_HALF_UP);
  // In this form the test also rejects NaN.
  if (!rounded.abs().lessThanOrEqualTo(MAX_CENTS)) {
    throw new DomainError(
      'amount_out_of_range',
      `${what} would be ${toDecimalString(rounded)} cents, more than the 2^53 − 1 that can be ` +
        'billed: check quantity and price',
    );
  }
  return rounded.isZero() ? 0 : rounded.toNumber();
}
