import { expect, test } from 'vitest';
import {
  daysInMonth,
  monthStart,
  nextMonth,
  parseDate,
  parseMonth,
  parseServiceMonth,
  previousMonth,
} from '../../src/domain/period.ts';
import { domainError } from './_arbitraries.ts';

test.each([
  ...['2026-13', '2026-00', '2026-5', '26-05', '2026-05-01', '', '0999-12', '3000-01'],
  ...['12026-05', '+002026-05'],
])('rejects %j as a month', (text) => {
  for (const use of [parseMonth, monthStart, previousMonth, nextMonth]) {
    expect(() => use(text)).toThrow(expect.objectContaining(domainError('invalid_month')));
  }
});

test('accepts months of the billing calendar, from 2000 to 2199', () => {
  for (const month of ['2000-01', '2199-12']) expect(parseServiceMonth(month)).toBe(month);
  for (const month of ['1999-12', '1000-01', '2200-01', '2026-13']) {
    expect(() => parseServiceMonth(month)).toThrow(
      expect.objectContaining(domainError('invalid_month')),
    );
  }
  expect(() => parseServiceMonth('2200-01')).toThrow(
    '2200-01 is not a month of the years 2000 to 2199',
  );
});

test.each([
  '2026-02-30',
  '2025-02-29',
  '2026-13-01',
  '2026-5-1',
  '20260501',
  '2026-05-01T00:00:00Z',
  // ISO 8601 forms that Temporal would accept.
  '2026-05-01T00:00:00',
  '+002026-05-01',
  '',
])('rejects %j as a date', (text) => {
  for (const use of [parseDate, daysInMonth]) {
    expect(() => use(text)).toThrow(expect.objectContaining(domainError('invalid_date')));
  }
});

test.each([
  ['2026-02-10', 28],
  ['2028-02-10', 29],
  ['2100-02-01', 28],
  ['2000-02-01', 29],
  ['2026-04-30', 30],
  ['2026-12-31', 31],
])('the month of %s has %d days', (date, days) => {
  expect(daysInMonth(date)).toBe(days);
});
