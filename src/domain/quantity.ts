import { Decimal, parseDecimalSum } from './decimal.ts';
import { DomainError } from './errors.ts';
import type { Qty } from './types.ts';

/**
 * Returns the exact value of a quantity; null counts as 0.
 * @param what names the quantity in the error
 * @throws DomainError `invalid_quantity`: negative, not a decimal string, or a number that isn't a
 * safe integer (a fraction in a binary float is not exact)
 */
export function parseQuantity(qty: Qty | null, what: string): Decimal {
  if (qty === null) return new Decimal(0);
  if (typeof qty === 'number') return fromInteger(qty, what);
  try {
    return parseDecimalSum(qty);
  } catch (cause) {
    throw new DomainError('invalid_quantity', `${what}: ${(cause as Error).message}`, { cause });
  }
}

function fromInteger(qty: number, what: string): Decimal {
  if (!Number.isSafeInteger(qty) || qty < 0) {
    throw new DomainError(
      'invalid_quantity',
      `${what}: the number ${qty} is not an exact quantity: ` +
        'expected an integer from 0 to 2^53 − 1, or a decimal string',
    );
  }
  return new Decimal(qty);
}
