import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkPrice, parseCents, sumCents } from '../../src/domain/cents.ts';
import { domainError } from './_arbitraries.ts';

const MOST = Number.MAX_SAFE_INTEGER;

test('accepts sums from −(2^53 − 1) to 2^53 − 1 cents', () => {
  expect(sumCents([MOST - 1, 1])).toBe(MOST);
  expect(sumCents([1 - MOST, -1])).toBe(-MOST);
  for (const beyond of [
    [MOST, 1],
    [-MOST, -1],
  ]) {
    expect(() => sumCents(beyond)).toThrow(
      expect.objectContaining(domainError('amount_out_of_range')),
    );
  }
});

test('accepts a price of zero', () => {
  expect(checkPrice(0, 'A price')).toBe(0);
});

test('reads sums from the database exactly', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (cents) => {
      expect(parseCents(cents.toString(), 'The subtotal')).toBe(cents);
    }),
  );
  expect(parseCents('-12', 'The subtotal')).toBe(-12);
});

test.each(['9007199254740992', '-9007199254740992', '1'.repeat(30)])(
  'rejects a sum of %s cents as out of range',
  (text) => {
    expect(() => parseCents(text, 'The subtotal')).toThrow(
      expect.objectContaining(domainError('amount_out_of_range')),
    );
  },
);

// `BigInt` would accept most of these.
test.each(['', ' ', '1.0', '1e3', '0x10', '+1', '--1', '-', ' 1', '1 ', '1\n', '1_000', 'NaN'])(
  'rejects %j as cents',
  (text) => {
    expect(() => parseCents(text, 'The subtotal of acme')).toThrow(
      expect.objectContaining({
        ...domainError('invalid_amount'),
        message: `The subtotal of acme: ${JSON.stringify(text)} is not cents`,
      }),
    );
  },
);
