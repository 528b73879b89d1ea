import { describe, expect, test } from 'vitest';
import { formatMoney, groupDigits } from '../../src/domain/format.ts';
import { largest, percentOf } from '../../src/api/pages/views/bars.ts';
import { signedAmount } from '../../src/display/line-text.ts';
import { duration, minute, percentChange } from '../../src/api/pages/views/page-format.ts';

describe('amounts', () => {
  test.each([
    [0, 'AUD 0.00'],
    [5, 'AUD 0.05'],
    [123_456_789, 'AUD 1,234,567.89'],
    ['90071992547409931', 'AUD 900,719,925,474,099.31'],
  ])('%s cents are %s', (cents, shown) => {
    expect(formatMoney(cents, 'AUD')).toBe(shown);
  });

  test.each([
    [0, '0.00'],
    [150, '+1.50'],
    [-150_000, '−1,500.00'],
  ])('a difference of %s cents has its sign: %s', (cents, shown) => {
    expect(signedAmount(cents, 'AUD')).toBe(shown);
  });

  test.each([
    [150, 100, '+50 %'],
    [100, 100, '0 %'],
    [50, 100, '−50 %'],
    [1_234_500, 100, '+1,234,400 %'],
    [100, 0, null],
  ])('%s after %s is %s', (now, then, shown) => {
    expect(percentChange(now, then)).toBe(shown);
  });
});

test('numbers have their thousands, and decimals none behind the point', () => {
  expect(groupDigits(1_234_567)).toBe('1,234,567');
  expect(groupDigits('1234567.1234567')).toBe('1,234,567.1234567');
  expect(groupDigits('0.5')).toBe('0.5');
});

test('times are to the minute, and say that they are UTC', () => {
  const instant = '2026-06-01T06:02:59.123456Z';
  expect(minute(instant, 'UTC')).toBe('2026-06-01 06:02 UTC');
  expect(minute(instant, 'Australia/Sydney')).toBe('2026-06-01 16:02 +10:00');
  expect(minute(instant, 'America/New_York')).toBe('2026-06-01 02:02 -04:00');
});

test.each([
  [0.2, '1 s'],
  [59, '59 s'],
  [61, '2 min'],
  [3_600, '1 h 0 min'],
  [7_500, '2 h 5 min'],
])('%s seconds are %s', (seconds, shown) => {
  expect(duration(seconds)).toBe(shown);
});

describe('lengths of bars', () => {
  test.each([
    [1, 3, '33.33'],
    [2, 3, '66.67'],
    [1, 20_000, '0.01'],
    [3, 3, '100.00'],
    [0, 3, '0'],
    [-5, 3, '0'],
    [5, 0, '0'],
    ['90071992547409931', '90071992547409931', '100.00'],
  ])('%s of %s is %s percent', (part, whole, percent) => {
    expect(percentOf(part, whole)).toBe(percent);
  });

  test('the largest of none is 0, and a credit is no length', () => {
    expect(largest([])).toBe('0');
    expect(largest([-5, '-7'])).toBe('0');
    expect(largest(['9007199254740993', 1])).toBe('9007199254740993');
  });
});
