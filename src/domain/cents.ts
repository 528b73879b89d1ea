import { DomainError } from './errors.ts';

const MAX_CENTS = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Returns a price in cents after validating it.
 * @throws DomainError `invalid_amount`: negative, or not a safe integer
 */
export function checkPrice(priceCents: number, what: string): number {
  checkCents(priceCents, what);
  if (priceCents < 0) {
    throw new DomainError('invalid_amount', `${what}: ${priceCents} cents is below zero`);
  }
  return priceCents;
}

/**
 * Returns the exact sum of amounts in cents; 0 for an empty list.
 * @throws DomainError `amount_out_of_range` beyond ±(2^53 − 1), `invalid_amount`
 */
export function sumCents(amountsCents: readonly number[], what = 'A total'): number {
  const sum = amountsCents.reduce((total, cents) => total + BigInt(checkCents(cents, what)), 0n);
  return withinRange(sum, what);
}

/**
 * Parses cents from the text of an exact integer, such as a sum from the database.
 * @throws DomainError `amount_out_of_range` beyond ±(2^53 − 1), `invalid_amount`
 */
export function parseCents(text: string, what: string): number {
  if (!/^-?\d+$/.test(text)) {
    throw new DomainError('invalid_amount', `${what}: ${JSON.stringify(text)} is not cents`);
  }
  return withinRange(BigInt(text), what);
}

function withinRange(cents: bigint, what: string): number {
  if (cents > MAX_CENTS || cents < -MAX_CENTS) {
    throw new DomainError(
      'amount_out_of_range',
      `${what} would be ${cents} cents, more than the 2^53 − 1 that can be billed: ` +
        'check quantities and prices',
    );
  }
  return Number(cents);
}

function checkCents(amountCents: number, what: string): number {
  if (!Number.isSafeInteger(amountCents)) {
    throw new DomainError(
      'invalid_amount',
      `${what}: ${amountCents} is not a whole number of cents within ±(2^53 − 1)`,
    );
  }
  return amountCents;
}
