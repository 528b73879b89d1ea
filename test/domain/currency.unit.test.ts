import { describe, expect, test } from 'vitest';
import { CURRENCIES, isCurrency, minorUnitDecimals } from '../../src/domain/currency.ts';
import {
  amountHint,
  formatAmount,
  formatMoney,
  formatUsage,
  parseAmount,
  parseSignedAmount,
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
    expect(CURRENCIES).toEqual([...CURRENCIES].sort());
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
    ['AUD', '1,000', 100_000],
    ['AUD', '1,234.50', 123_450],
    ['AUD', '12,345,678', 1_234_567_800],
    ['JPY', '1,234', 1_234],
    ['KWD', '1,234.500', 1_234_500],
    ['KWD', '1,234,567', 1_234_567_000],
    // In KWD it can also be a decimal comma.
    ['KWD', '1,234', null],
    ['KWD', '12,345', null],
    ['AUD', '99,50', null],
    ['AUD', '99,5', null],
    ['AUD', '1.234,50', null],
    ['AUD', '0,500', null],
    ['AUD', '12,34,567', null],
    ['AUD', '1234,567', null],
    ['AUD', '1,234,50', null],
    ['AUD', ',500', null],
    ['AUD', '1,', null],
    ['AUD', '1 234', null],
    ['AUD', '1.50,000', null],
    ['AUD', '', null],
    ['AUD', '90071992547409.91', Number.MAX_SAFE_INTEGER],
    ['AUD', '90071992547409.92', null],
  ])('in %s: %j is read as %s minor units', (currency, text, cents) => {
    expect(parseAmount(text, currency)).toBe(cents);
  });

  test.each([
    ['-1,040.50', -104_050],
    ['−40.00', -4_000],
    ['40.00', 4_000],
    ['-0', 0],
    ['4-0', null],
    ['-99,50', null],
    ['--1', null],
    ['- 1', null],
  ])('with a sign: %j is read as %s', (text, cents) => {
    expect(parseSignedAmount(text, 'AUD')).toBe(cents);
  });

  test.each([
    ['AUD', '99,50', 'write 99.50, not 99,50'],
    ['AUD', '-99,5', 'write -99.5, not -99,5'],
    ['AUD', '1.234,50', 'write 1234.50, not 1.234,50'],
    ['AUD', '12.345,50', 'write 12345.50, not 12.345,50'],
    ['AUD', '1.234.567,50', 'write 1234567.50, not 1.234.567,50'],
    ['AUD', 'x99,50', 'expected an amount other than 0 in AUD, such as 1,234.50'],
    ['AUD', '1 234,50', 'write 1234.50, not 1 234,50'],
    ['KWD', '1,234', 'write 1.234, not 1,234'],
    ['AUD', '0,00', 'expected an amount other than 0 in AUD, such as 1,234.50'],
    ['AUD', '0,500', 'expected an amount other than 0 in AUD, such as 1,234.50'],
    ['AUD', '12,34,567', 'expected an amount other than 0 in AUD, such as 1,234.50'],
    ['JPY', '99,50', 'expected an amount other than 0 in JPY, such as 123,450'],
    ['AUD', '', 'expected an amount other than 0 in AUD, such as 1,234.50'],
  ])('in %s: %j is refused with how to write it', (currency, text, hint) => {
    expect(amountHint(text, currency, 'other than 0')).toBe(hint);
  });

  test('that have to be above 0 are not suggested with a minus', () => {
    const hint = 'expected an amount above 0 in AUD, such as 1,234.50';
    expect(amountHint('-99,50', 'AUD', 'above 0')).toBe(hint);
  });

  test('of usage are either money or a quantity', () => {
    expect(formatUsage('1234.5', 'JPY')).toBe('JPY 1,234.5');
    expect(formatUsage('1234.5', null)).toBe('1,234.5');
  });
});
