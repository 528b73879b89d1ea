import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Decimal,
  isDecimalString,
  normalizeDecimalString,
  parseDecimal,
  parseDecimalSum,
  roundToCents,
  sumDecimals,
  toDecimalString,
} from '../../src/domain/decimal.ts';
import { anyFraction, divideHalfUp, domainError, fractionText } from './_arbitraries.ts';

const TWELVE_DIGITS = '999999999999';

describe('the grammar of a sent decimal', () => {
  test.each(['0', '5', '0.5', '10.50', '0.000', `${TWELVE_DIGITS}.${TWELVE_DIGITS}`])(
    'accepts %s',
    (text) => {
      expect(isDecimalString(text)).toBe(true);
      expect(parseDecimal(text).equals(text)).toBe(true);
    },
  );

  test.each([
    ...['', ' ', '.', '.5', '5.', '00.5', '01', '+1', '-1', '-0', '1e3', '1E-3', '0x10', '1_000'],
    ...['1,5', ' 1', '1 ', '1\n', 'NaN', 'Infinity', '1.2.3', '١'],
    ...['1000000000000', '0.0000000000001'],
  ])('rejects %j', (text) => {
    expect(isDecimalString(text)).toBe(false);
    expect(() => parseDecimal(text)).toThrow(
      expect.objectContaining(domainError('invalid_decimal')),
    );
  });

  test("agrees with a hand-written parser on texts made of the grammar's characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0012.9-+e '), maxLength: 16 }), (text) => {
        expect(isDecimalString(text)).toBe(isInGrammar(text));
      }),
      { numRuns: 1000 },
    );
  });

  test('keeps every decimal of up to 12 + 12 digits unchanged', () => {
    fc.assert(
      fc.property(anyFraction, (fraction) => {
        const parsed = parseDecimal(fractionText(fraction));
        expect(parsed.times(new Decimal(10).pow(fraction.scale)).toFixed()).toBe(
          fraction.units.toString(),
        );
      }),
    );
  });
});

test('accepts sums with up to 24 digits before the point', () => {
  const most = '9'.repeat(24);
  expect(toDecimalString(parseDecimalSum(`${most}.5`))).toBe(`${most}.5`);
  expect(() => parseDecimalSum(`1${most}`)).toThrow(
    expect.objectContaining(domainError('invalid_decimal')),
  );
});

describe('the canonical text', () => {
  test.each([
    ['0', '0'],
    ['0.000', '0'],
    ['100.0000', '100'],
    ['12.500', '12.5'],
    ['0.000000000001', '0.000000000001'],
    ['100000000000000000000000', '100000000000000000000000'],
  ])('of %s is %s', (text, canonical) => {
    expect(normalizeDecimalString(text)).toBe(canonical);
  });

  test.each(['1e3', '-1', '01', '1.', ''])('of %j does not exist', (text) => {
    expect(() => normalizeDecimalString(text)).toThrow(
      expect.objectContaining(domainError('invalid_decimal')),
    );
  });

  test('has no negative zero and no exponent', () => {
    expect(toDecimalString(new Decimal('-0'))).toBe('0');
    expect(toDecimalString(new Decimal('1e-40'))).toBe(`0.${'0'.repeat(39)}1`);
    expect(new Decimal('1e40').toString()).toBe(`1${'0'.repeat(40)}`);
  });

  test('is idempotent, and equal only for equal values', () => {
    fc.assert(
      fc.property(anyFraction, anyFraction, (a, b) => {
        const [textA, textB] = [fractionText(a), fractionText(b)];
        const canonicalA = normalizeDecimalString(textA);
        expect(normalizeDecimalString(canonicalA)).toBe(canonicalA);
        const equal = a.units * 10n ** BigInt(b.scale) === b.units * 10n ** BigInt(a.scale);
        expect(canonicalA === normalizeDecimalString(textB)).toBe(equal);
      }),
    );
  });
});

test('sums are exact', () => {
  expect(toDecimalString(sumDecimals([]))).toBe('0');
  expect(toDecimalString(sumDecimals(['0.1', '0.2'].map(parseDecimal)))).toBe('0.3');
  fc.assert(
    fc.property(fc.array(anyFraction), (fractions) => {
      const sum = sumDecimals(fractions.map((fraction) => parseDecimal(fractionText(fraction))));
      const units = fractions.reduce((all, f) => all + f.units * 10n ** BigInt(12 - f.scale), 0n);
      expect(sum.times('1e12').toFixed()).toBe(units.toString());
    }),
  );
});

describe('rounding to cents', () => {
  test.each([
    ['0.5', 1],
    ['0.499999999999', 0],
    ['1.5', 2],
    ['2.5', 3],
    ['-0.5', -1],
    ['-2.5', -3],
    ['9007199254740991.4', Number.MAX_SAFE_INTEGER],
  ])('%s is %d', (text, cents) => {
    expect(roundToCents(new Decimal(text))).toBe(cents);
  });

  test('never gives a negative zero', () => {
    expect(Object.is(roundToCents(new Decimal('-0.4')), 0)).toBe(true);
  });

  test.each(['9007199254740991.5', '-9007199254740991.5', '1e30', 'NaN', 'Infinity'])(
    'refuses %s',
    (text) => {
      expect(() => roundToCents(new Decimal(text), 'The amount of X')).toThrow(
        expect.objectContaining({
          ...domainError('amount_out_of_range'),
          message: expect.stringContaining('The amount of X'),
        }),
      );
    },
  );

  test('agrees with integer arithmetic', () => {
    fc.assert(
      fc.property(anyFraction, (fraction) => {
        const expected = divideHalfUp(fraction.units, 10n ** BigInt(fraction.scale));
        expect(BigInt(roundToCents(new Decimal(fractionText(fraction))))).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});

function isInGrammar(text: string): boolean {
  const parts = text.split('.');
  const isDigits = (part: string) =>
    part.length >= 1 && part.length <= 12 && [...part].every((c) => '0123456789'.includes(c));
  const [whole = ''] = parts;
  return parts.length <= 2 && parts.every(isDigits) && (whole === '0' || !whole.startsWith('0'));
}
