import { describe, expect, test } from 'vitest';
import { CURRENCIES, isCurrency, minorUnitDecimals } from '../../src/domain/currency.ts';
import {
  formatAmount,
  formatMoney,
  formatUsage,
  parseAmount,
  toAmount,
} from '../../src/domain/format.ts';

describe('currencies', () => {
  test('are the ISO 4217 codes that have a minor unit', () => {
    const byDecimals = Map.groupBy(CURRENCIES, minorUnitDecimals);
    const counts = [...byDecimals].map(([decimals, codes]) => [decimals, codes.length]);
    expect(counts.sort()).toEqual([
      [0, 17],
      [2, 139],
      [3, 7],
      [4, 2],
    ]);
    expect(CURRENCIES.every((code) => /^[A-Z]{3}$/.test(code))).toBe(true);
    expect(new Set(CURRENCIES).size).toBe(165);
  });

  // ICU gives other decimals for some currencies, such as IDR and IQD.
  test.each([
    ['AUD', 2],
    ['USD', 2],
    ['IDR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['IQD', 3],
    ['CLF', 4],
  ])('%s has %i decimals', (code, decimals) => {
    expect(minorUnitDecimals(code)).toBe(decimals);
  });

  test.each([
    ['no code of ISO 4217', 'ZZZ'],
    ['a metal', 'XAU'],
    ['no currency', 'XXX'],
    ['for tests', 'XTS'],
    ['withdrawn', 'HRK'],
    ['lower case', 'aud'],
    ['longer', 'AUDX'],
    ['empty', ''],
  ])('do not include what is %s: %j', (_what, code) => {
    expect(isCurrency(code)).toBe(false);
    expect(() => formatAmount(1, code)).toThrow(RangeError);
  });
});

describe('amounts', () => {
  test.each([
    ['USD', 1_234_567, '12,345.67', '12345.67'],
    ['JPY', 1_234_567, '1,234,567', '1234567'],
    ['KWD', 1_234_567, '1,234.567', '1234.567'],
    ['CLF', 1_234_567, '123.4567', '123.4567'],
    ['USD', 5, '0.05', '0.05'],
    ['JPY', 5, '5', '5'],
    ['KWD', 5, '0.005', '0.005'],
    ['CLF', 5, '0.0005', '0.0005'],
    ['USD', 0, '0.00', '0.00'],
    ['JPY', 0, '0', '0'],
    ['USD', -150_000, '-1,500.00', '-1500.00'],
    ['JPY', -150_000, '-150,000', '-150000'],
    ['KWD', -50, '-0.050', '-0.050'],
    ['KWD', '90071992547409931', '90,071,992,547,409.931', '90071992547409.931'],
    ['USD', '250.125', '2.50125', '2.50125'],
    ['JPY', '250.125', '250.125', '250.125'],
    ['KWD', '0.5', '0.0005', '0.0005'],
  ])('in %s: %s minor units are %s', (currency, cents, shown, plain) => {
    expect(formatAmount(cents, currency)).toBe(shown);
    expect(toAmount(cents, currency)).toBe(plain);
    expect(formatMoney(cents, currency)).toBe(`${currency} ${shown}`);
  });

  test.each([
    ['AUD', '10000', 1_000_000],
    ['AUD', '0.5', 50],
    ['JPY', '10000', 10_000],
    ['KWD', '1.234', 1_234],
    ['AUD', '1.234', null],
    ['JPY', '1.0', null],
    ['AUD', '-1', null],
    ['AUD', '1,000', null],
    ['AUD', '', null],
    ['AUD', '90071992547409.91', Number.MAX_SAFE_INTEGER],
    ['AUD', '90071992547409.92', null],
  ])('in %s: %j is read as %s minor units', (currency, text, cents) => {
    expect(parseAmount(text, currency)).toBe(cents);
  });

  test('of usage are either money or a quantity', () => {
    expect(formatUsage('1234.5', 'JPY')).toBe('JPY 1,234.5');
    expect(formatUsage('1234.5', null)).toBe('1,234.5');
  });
});
