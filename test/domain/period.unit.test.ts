import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  daysInMonth,
  isOver,
  monthBefore,
  monthOfInstant,
  nextMonth,
  parseDate,
  parseMonth,
  parseServiceMonth,
  periodOf,
  previousMonth,
} from '../../src/domain/period.ts';
import { anyMonth, domainError } from './_arbitraries.ts';

test('a period has inclusive dates and a half-open interval of instants', () => {
  expect(periodOf('2026-05')).toStrictEqual({
    month: '2026-05',
    periodStart: '2026-05-01',
    periodEnd: '2026-05-31',
    startsAt: '2026-05-01T00:00:00Z',
    endsAt: '2026-06-01T00:00:00Z',
  });
  expect(periodOf('2026-12')).toMatchObject({ endsAt: '2027-01-01T00:00:00Z' });
  expect(periodOf('2028-02')).toMatchObject({ periodEnd: '2028-02-29' });
});

test.each([
  ...['2026-13', '2026-00', '2026-5', '26-05', '2026-05-01', '', '0999-12', '3000-01'],
  ...['12026-05', '+002026-05'],
])('rejects %j as a month', (text) => {
  for (const use of [parseMonth, periodOf, previousMonth, nextMonth]) {
    expect(() => use(text)).toThrow(expect.objectContaining(domainError('invalid_month')));
  }
});

test('accepts months from 2000 to 2999', () => {
  for (const month of ['2000-01', '2999-12']) expect(parseServiceMonth(month)).toBe(month);
  for (const month of ['1999-12', '1000-01', '3000-01', '2026-13']) {
    expect(() => parseServiceMonth(month)).toThrow(
      expect.objectContaining(domainError('invalid_month')),
    );
  }
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

describe('the month of an instant', () => {
  test.each([
    ['2026-05-31T23:59:59.999999999Z', '2026-05'],
    ['2026-06-01T00:00:00Z', '2026-06'],
    ['2026-05-31T23:30:00-02:00', '2026-06'],
    ['2026-06-01T00:30:00+02:00', '2026-05'],
    ['2026-12-31T23:59:60Z', '2026-12'],
    ['2026-05-31t23:59:59z', '2026-05'],
  ])('%s is in %s', (instant, month) => {
    expect(monthOfInstant(instant)).toBe(month);
  });

  test('is taken from a Date in UTC', () => {
    expect(monthOfInstant(new Date('2026-06-01T00:00:00Z'))).toBe('2026-06');
    expect(monthOfInstant(new Date('2026-05-31T23:59:59.999Z'))).toBe('2026-05');
  });

  test.each([
    ...['', '2026-05-31', '2026-05-31T23:30:00', '2026-05-31T23:30Z', '20260531T233000Z'],
    ...['2026-02-30T00:00:00Z', '2026-05-31T24:00:00Z', '2026-05-31T23:30:00Z[UTC]'],
    ...['+002026-05-31T23:30:00Z'],
  ])('rejects %j', (text) => {
    expect(() => monthOfInstant(text)).toThrow(
      expect.objectContaining(domainError('invalid_instant')),
    );
  });

  test('rejects an invalid Date', () => {
    expect(() => monthOfInstant(new Date(NaN))).toThrow(
      expect.objectContaining(domainError('invalid_instant')),
    );
  });

  test('rejects years beyond four digits instead of truncating them', () => {
    expect(() => monthOfInstant(new Date(8.64e15))).toThrow(
      expect.objectContaining(domainError('invalid_month')),
    );
  });
});

test('a run bills the month before its scheduled time', () => {
  expect(monthBefore('2026-06-01T06:00:00Z')).toBe('2026-05');
  expect(monthBefore(new Date('2026-01-01T00:00:00Z'))).toBe('2025-12');
  expect(monthBefore('2026-06-01T01:00:00+02:00')).toBe('2026-04');
});

test('a month ends at the first instant of the next', () => {
  expect(isOver('2026-05', new Date('2026-05-31T23:59:59.999Z'))).toBe(false);
  expect(isOver('2026-05', new Date('2026-06-01T00:00:00Z'))).toBe(true);
  expect(isOver('2026-12', new Date('2026-06-01T00:00:00Z'))).toBe(false);
});

test('months round-trip, and consecutive periods have no gap or overlap', () => {
  fc.assert(
    fc.property(anyMonth, (month) => {
      const period = periodOf(month);
      expect(previousMonth(nextMonth(month))).toBe(month);
      expect(nextMonth(month) > month).toBe(true);
      expect(monthOfInstant(period.startsAt)).toBe(month);
      expect(monthOfInstant(period.endsAt)).toBe(nextMonth(month));
      expect(monthBefore(period.endsAt)).toBe(month);
      expect(monthOfInstant(new Date(Date.parse(period.endsAt) - 1))).toBe(month);
      expect(periodOf(nextMonth(month)).startsAt).toBe(period.endsAt);
      const days = (Date.parse(period.endsAt) - Date.parse(period.startsAt)) / 86_400_000;
      expect(daysInMonth(period.periodStart)).toBe(days);
      expect(period.periodEnd).toBe(`${month}-${days}`);
    }),
  );
});
