/** The text of a JSON number, taken apart: `digits` × 10^`exponent`. */
export interface ExactNumber {
  readonly isNegative: boolean;
  readonly digits: bigint;
  readonly exponent: number;
}

/** Longer than any number that a program writes: a double has at most 24 characters. */
export const MAX_NUMBER_LENGTH = 200;

const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Parses the text of a JSON number, without a binary float.
 * @returns null for anything else, such as `NaN`, and beyond 200 characters
 */
export function parseExactNumber(text: string): ExactNumber | null {
  if (text.length > MAX_NUMBER_LENGTH) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return null;
  return {
    isNegative: sign === '-',
    digits: BigInt(whole + fraction),
    exponent: Number(exponent) - fraction.length,
  };
}

/** More digits than any result that is in range. */
const MAX_POWER = 64;

/**
 * Returns the number × 10^`places` as an integer, without its sign.
 * @param rounding what becomes of exactly half
 * @returns null if it is far out of any range
 */
export function scaleExactly(
  { digits, exponent }: ExactNumber,
  places: number,
  rounding: 'half-even' | 'half-up',
): bigint | null {
  const power = exponent + places;
  if (digits === 0n) return 0n;
  if (power >= 0) return power > MAX_POWER ? null : digits * 10n ** BigInt(power);
  // Below a tenth of the smallest unit.
  if (-power > MAX_NUMBER_LENGTH) return 0n;
  const divisor = 10n ** BigInt(-power);
  const quotient = digits / divisor;
  const twice = 2n * (digits % divisor);
  const isHalfUp = rounding === 'half-up' || quotient % 2n === 1n;
  const isUp = twice > divisor || (twice === divisor && isHalfUp);
  return isUp ? quotient + 1n : quotient;
}
