import { checkPrice } from './cents.ts';
import { Decimal } from './decimal.ts';
import { DomainError } from './errors.ts';
import type { UnitPrice } from './types.ts';

/** The form of a price as text; the hint says it in words. */
export const UNIT_PRICE_PATTERN = /^(?:0|[1-9]\d{0,15})(?:\.\d{1,12})?$/;
export const UNIT_PRICE_HINT =
  'expected cents, a whole number or a decimal as a string such as "0.0425", ' +
  'not negative, at most 16 digits before and 12 after the point';

/**
 * Returns the exact price in cents per unit (docs/spec.md#money-and-quantities).
 * @param what names the price in the error
 * @throws DomainError `invalid_amount`
 */
export function parseUnitPrice(price: UnitPrice, what: string): Decimal {
  if (typeof price === 'number') return new Decimal(checkPrice(price, what));
  if (UNIT_PRICE_PATTERN.test(price)) return new Decimal(price);
  throw new DomainError(
    'invalid_amount',
    `${what}: ${JSON.stringify(price)} is not a price: ${UNIT_PRICE_HINT}`,
  );
}
