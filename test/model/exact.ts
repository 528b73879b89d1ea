/**
 * The model's arithmetic: integers of 10^-12, the finest unit that a sender may write. Its own, so
 * that it shares no mistake with the product's decimals.
 */
export type Exact = bigint;

const SCALE = 12;
const ONE = 10n ** BigInt(SCALE);

export function exact(text: string): Exact {
  if (text.startsWith('-')) return -exact(text.slice(1));
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole) * ONE + BigInt(fraction.padEnd(SCALE, '0'));
}

/** Canonical: no exponent, no zeros at the end. */
export function exactText(value: Exact): string {
  const digits = (value < 0n ? -value : value).toString().padStart(SCALE + 1, '0');
  const fraction = digits.slice(-SCALE).replace(/0+$/, '');
  const text = digits.slice(0, -SCALE) + (fraction === '' ? '' : `.${fraction}`);
  return value < 0n ? `-${text}` : text;
}

export function sum(values: readonly Exact[]): Exact {
  return values.reduce((total, value) => total + value, 0n);
}

/** Whole cents, half up, of a value that is not negative, times a price, per so many units. */
export function toCents(value: Exact, priceCents = 1, per = 1): number {
  const unit = ONE * BigInt(per);
  return Number((2n * value * BigInt(priceCents) + unit) / (2n * unit));
}
