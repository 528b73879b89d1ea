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

/** Longer decimals are shown as a quotient. */
const MAX_DECIMALS = 24;

/**
 * Divides a quantity by its unit's factor, without rounding.
 * @param qty a decimal string in base units
 * @param factor base units per priced unit, a positive decimal string
 */
export function inPricedUnit(qty: string, factor: string): Exact {
  const [quantity, unit] = [parse(qty), parse(factor)];
  const dividend = quantity.digits * 10n ** unit.scale;
  const divisor = unit.digits * 10n ** quantity.scale;
  const shared = greatestCommonDivisor(dividend < 0n ? -dividend : dividend, divisor);
  const decimals = decimalsOf(divisor / shared);
  if (decimals === null) return { dividend: qty, divisor: factor };
  const scaled = ((dividend / shared) * 10n ** BigInt(decimals)) / (divisor / shared);
  return { dividend: toDecimal(scaled, decimals), divisor: '1' };
}

/** Returns the number as a decimal, rounded to 12 decimals if it has no end. */
export function roundedDecimal({ dividend, divisor }: Exact): string {
  if (divisor === '1') return dividend;
  return toDecimalString(new Decimal(dividend).dividedBy(divisor).toDecimalPlaces(12));
}

/** Returns the decimals that 1 over a number has, or null if they have no end or are too many to read. */
function decimalsOf(divisor: bigint): number | null {
  for (let decimals = 0; decimals <= MAX_DECIMALS; decimals += 1) {
    if (10n ** BigInt(decimals) % divisor === 0n) return decimals;
  }
  return null;
}

function parse(decimal: string): { digits: bigint; scale: bigint } {
  const [whole = '', fraction = ''] = decimal.split('.');
  return { digits: BigInt(whole + fraction), scale: BigInt(fraction.length) };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}

function toDecimal(scaled: bigint, decimals: number): string {
  const sign = scaled < 0n ? '-' : '';
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  return sign + digits.slice(0, point) + (decimals === 0 ? '' : `.${digits.slice(point)}`);
}
