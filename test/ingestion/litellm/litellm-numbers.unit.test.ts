import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Decimal } from '../../../src/domain/decimal.ts';
import {
  MAX_NUMBER_LENGTH,
  parseExactNumber,
} from '../../../src/ingestion/litellm/exact-number.ts';
import { toChargeCents, toStarted } from '../../../src/ingestion/litellm/litellm-numbers.ts';

function charge(text: string, currency = 'USD') {
  const cost = parseExactNumber(text);
  return cost && toChargeCents(cost, currency);
}

describe('a charge', () => {
  test.each([
    ['1.35e-05', '0.00135', false],
    ['0.000207504375', '0.0207504375', false],
    ['0', '0', false],
    ['-0.0', '0', false],
    ['12', '1200', false],
    ['1E+3', '100000', false],
    ['9999999999.99', '999999999999', false],
    // What binary floats make of 0.000015 and of 0.0000314666….
    ['1.4999999999999999e-05', '0.0015', true],
    ['3.1466666666659993e-05', '0.003146666667', true],
    // Half of the last decimal goes to the even neighbour.
    ['0.000000000000005', '0', true],
    ['0.0000000000000050000000000001', '0.000000000001', true],
    ['0.000000000000015', '0.000000000002', true],
    ['0.000000000000025', '0.000000000002', true],
    ['1e-20', '0', true],
    ['5e-324', '0', true],
    ['1e-999999999999', '0', true],
  ])('of %s is %s cents', (text, expected, isRounded) => {
    expect(charge(text)).toEqual({ charge: expected, isRounded });
  });

  test.each([
    ['JPY', '1.5', '1.5'],
    ['KWD', '1.5', '1500'],
    ['AUD', '1.5', '150'],
  ])('counts minor units of %s', (currency, text, expected) => {
    expect(charge(text, currency)?.charge).toBe(expected);
  });

  test.each(['10000000000', '1e10', '9999999999.999999999999999', '1e308', '1e999999999999'])(
    'of %s is too large',
    (text) => {
      expect(charge(text)).toBeNull();
    },
  );

  test('equals that of exact decimals, for any float', () => {
    const cost = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(cost, (value) => {
        const exact = new Decimal(value).times(100);
        const rounded = exact.toDecimalPlaces(12, Decimal.ROUND_HALF_EVEN);
        expect(charge(String(value))).toEqual({
          charge: rounded.toFixed(),
          isRounded: !rounded.equals(exact),
        });
      }),
    );
  });
});

test.each([
  ...['NaN', 'Infinity', '-Infinity', '', '01', '1.', '.5', '+1', '1e', '0x10', '"1"', 'null', '{'],
  ...['1_000', '1,5', ' 1', '1…', '1'.repeat(MAX_NUMBER_LENGTH + 1)],
])('%j is not a number', (text) => {
  expect(parseExactNumber(text)).toBeNull();
});

describe('a start time', () => {
  test.each([
    ['1795959293.297993', '2026-11-29T13:34:53.297993Z', 1795959293298],
    ['1795959293', '2026-11-29T13:34:53.000000Z', 1795959293000],
    // Half a millisecond is rounded up, as PostgreSQL does for a timestamp(3), also to the next second.
    ['1795959293.297499', '2026-11-29T13:34:53.297499Z', 1795959293297],
    ['1795959293.2975', '2026-11-29T13:34:53.297500Z', 1795959293298],
    ['1795959293.2965', '2026-11-29T13:34:53.296500Z', 1795959293297],
    ['1795959293.9995', '2026-11-29T13:34:53.999500Z', 1795959294000],
    // The noise of a binary float beyond microseconds doesn't count.
    ['1795959293.2974998', '2026-11-29T13:34:53.297500Z', 1795959293298],
    ['1795959293.9999999', '2026-11-29T13:34:54.000000Z', 1795959294000],
    ['1.795959293e9', '2026-11-29T13:34:53.000000Z', 1795959293000],
    ['946684800', '2000-01-01T00:00:00.000000Z', 946684800000],
  ])('%s is %s', (text, instant, roundedMs) => {
    expect(toStarted(text)).toEqual({ instant, roundedMs });
  });

  test.each([
    ...['NaN', '0', '-1795959293', '946684799.999', '32503680000', '32503679999.9999999'],
    ...['1e308', '"2026-11-29"'],
  ])('%s is not a time', (text) => {
    expect(toStarted(text)).toBeNull();
  });
});
