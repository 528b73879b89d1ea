import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import {
  computeMonthStarts,
  createBillingCalendar,
  type BillingCalendar,
} from '../../src/domain/billing-calendar.ts';
import { daysInMonth, nextMonth, previousMonth } from '../../src/domain/period.ts';
import { isOver, monthBefore, monthOfInstant, periodOf, UTC } from '../_util/utc.ts';
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

describe('the month of an instant in UTC', () => {
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

  test('is taken from a Date', () => {
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

  test('rejects instants outside of the calendar', () => {
    for (const instant of [new Date(8.64e15), '1999-12-31T23:59:59Z', '2200-01-01T00:00:00Z']) {
      expect(() => monthOfInstant(instant)).toThrow(
        expect.objectContaining({
          ...domainError('invalid_month'),
          message: `${new Date(instant).toISOString()} is not in the years 2000 to 2199`,
        }),
      );
    }
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

const calendarOf = (zone: string) => createBillingCalendar(zone, computeMonthStarts(zone));
const SYDNEY = calendarOf('Australia/Sydney');

test('months of Sydney start and end at local midnight', () => {
  expect(SYDNEY.periodOf('2026-05')).toStrictEqual({
    month: '2026-05',
    periodStart: '2026-05-01',
    periodEnd: '2026-05-31',
    startsAt: '2026-04-30T14:00:00Z',
    endsAt: '2026-05-31T14:00:00Z',
  });
});

test.each([
  // Daylight saving ends in April and starts in October: an hour more, an hour less.
  ['Australia/Sydney', '2026-04', '2026-03-31T13:00:00Z', '2026-04-30T14:00:00Z', 30 * 24 + 1],
  ['Australia/Sydney', '2026-10', '2026-09-30T14:00:00Z', '2026-10-31T13:00:00Z', 31 * 24 - 1],
  ['America/New_York', '2026-03', '2026-03-01T05:00:00Z', '2026-04-01T04:00:00Z', 31 * 24 - 1],
  ['America/New_York', '2026-11', '2026-11-01T04:00:00Z', '2026-12-01T05:00:00Z', 30 * 24 + 1],
  ['Australia/Adelaide', '2026-05', '2026-04-30T14:30:00Z', '2026-05-31T14:30:00Z', 31 * 24],
  ['Pacific/Auckland', '2026-04', '2026-03-31T11:00:00Z', '2026-04-30T12:00:00Z', 30 * 24 + 1],
  ['Asia/Kolkata', '2026-05', '2026-04-30T18:30:00Z', '2026-05-31T18:30:00Z', 31 * 24],
  ['Pacific/Kiritimati', '2026-05', '2026-04-30T10:00:00Z', '2026-05-31T10:00:00Z', 31 * 24],
  ['Pacific/Honolulu', '2026-05', '2026-05-01T10:00:00Z', '2026-06-01T10:00:00Z', 31 * 24],
  // Midnight of the first didn't exist: the clock went from 00:00 to 01:00.
  ['America/Asuncion', '2017-10', '2017-10-01T04:00:00Z', '2017-11-01T03:00:00Z', 31 * 24 - 1],
])('%s, %s: from %s to %s', (zone, month, startsAt, endsAt, hours) => {
  const calendar = calendarOf(zone);
  expect(calendar.periodOf(month)).toMatchObject({ startsAt, endsAt });
  expect((Date.parse(endsAt) - Date.parse(startsAt)) / 3_600_000).toBe(hours);
  expect(calendar.monthOf(startsAt)).toBe(month);
  expect(calendar.dateOf(startsAt)).toBe(`${month}-01`);
  const lastMicrosecond = endsAt.replace(/\d\dZ$/, '59.999999Z').replace(/T(\d\d):(\d\d)/, before);
  expect(calendar.monthOf(lastMicrosecond)).toBe(month);
  expect(calendar.dateOf(lastMicrosecond)).toBe(calendar.periodOf(month).periodEnd);
  expect(calendar.monthOf(endsAt)).toBe(nextMonth(month));
});

/** The minute before a time of day after 00:00. */
function before(_: string, hours: string, minutes: string): string {
  const total = Number(hours) * 60 + Number(minutes) - 1;
  const two = (value: number) => String(value).padStart(2, '0');
  return `T${two(Math.floor(total / 60))}:${two(total % 60)}`;
}

test('an instant belongs to the month and the day of the zone', () => {
  expect(SYDNEY.monthOf('2026-04-30T14:30:00Z')).toBe('2026-05');
  expect(SYDNEY.dateOf('2026-04-30T14:30:00Z')).toBe('2026-05-01');
  expect(SYDNEY.monthOf('2026-04-30T13:59:59.999999Z')).toBe('2026-04');
  expect(SYDNEY.dateOf('2026-04-30T13:59:59.999999Z')).toBe('2026-04-30');
  // The day on which daylight saving ends has 25 hours.
  expect(SYDNEY.dateOf('2026-04-04T12:59:59Z')).toBe('2026-04-04');
  expect(SYDNEY.dateOf('2026-04-04T13:00:00Z')).toBe('2026-04-05');
  expect(SYDNEY.dateOf('2026-04-05T13:59:59Z')).toBe('2026-04-05');
  expect(SYDNEY.dateOf('2026-04-05T14:00:00Z')).toBe('2026-04-06');
});

test('a run that fires on the first at 06:00 in Sydney, still the last day in UTC, bills the month before', () => {
  expect(SYDNEY.monthBefore('2026-05-31T20:00:00Z')).toBe('2026-05');
  expect(SYDNEY.isOver('2026-05', new Date('2026-05-31T13:59:59.999Z'))).toBe(false);
  expect(SYDNEY.isOver('2026-05', new Date('2026-05-31T14:00:00Z'))).toBe(true);
});

test('a day starts at its first instant, also where a clock change skips midnight', () => {
  const start = ({ startOfDay }: BillingCalendar, date: string) =>
    startOfDay(Temporal.PlainDate.from(date));
  expect(start(SYDNEY, '2026-05-20')).toBe('2026-05-19T14:00:00Z');
  expect(start(SYDNEY, '2026-05-01')).toBe('2026-04-30T14:00:00Z');
  expect(start(SYDNEY, '1990-06-15')).toBe('1990-06-14T14:00:00Z');
  // In Santiago, 6 September 2026 starts at 01:00; in Beirut, 29 March 2026 does.
  expect(start(calendarOf('America/Santiago'), '2026-09-06')).toBe('2026-09-06T04:00:00Z');
  expect(start(calendarOf('Asia/Beirut'), '2026-03-29')).toBe('2026-03-28T22:00:00Z');
});

test.each(['Australia/Sydney', 'America/Santiago', 'Asia/Beirut'])(
  "%s: a month's days start where each of its dates does",
  (zone) => {
    const calendar = calendarOf(zone);
    for (const month of ['2026-03', '2026-04', '2026-09', '2028-02']) {
      const first = Temporal.PlainDate.from(`${month}-01`);
      const starts = Array.from({ length: first.daysInMonth }, (_, days) =>
        calendar.startOfDay(first.add({ days })),
      );
      expect(calendar.dayStartsOf(month)).toEqual(starts);
    }
    expect(() => calendar.dayStartsOf('1999-12')).toThrow(
      expect.objectContaining(domainError('invalid_month')),
    );
  },
);

test("stored months keep their starts, also if the zone's rules change later", () => {
  // As if a government moved its clocks by an hour after the months were stored.
  const moved = computeMonthStarts('Australia/Sydney').map((at) => at + 3_600_000);
  const calendar = createBillingCalendar('Australia/Sydney', moved);
  const start = (date: string) => calendar.startOfDay(Temporal.PlainDate.from(date));
  expect(start('2026-05-01')).toBe('2026-04-30T15:00:00Z');
  expect(start('2026-05-02')).toBe('2026-05-01T14:00:00Z');
  expect(start('2000-01-01')).toBe('1999-12-31T14:00:00Z');
  expect(start('2199-12-01')).toBe('2199-11-30T14:00:00Z');
  expect(start('1999-12-01')).toBe('1999-11-30T13:00:00Z');
  expect(start('2200-02-01')).toBe('2200-01-31T13:00:00Z');
  expect(calendar.dayStartsOf('2026-05').slice(0, 2)).toEqual([
    '2026-04-30T15:00:00Z',
    '2026-05-01T14:00:00Z',
  ]);
  expect(calendar.dateOf('2026-04-30T14:30:00Z')).toBe('2026-04-30');
  expect(calendar.dateOf('2026-04-30T15:00:00Z')).toBe('2026-05-01');
});

test('instants before 2000 have a date but no month', () => {
  expect(SYDNEY.dateOf('1990-06-14T14:00:00Z')).toBe('1990-06-15');
  expect(SYDNEY.monthStartAt(Date.UTC(1990, 5, 15))).toBeNull();
  expect(SYDNEY.monthStartAt(Date.UTC(2200, 0, 1))).toBeNull();
  expect(UTC.monthStartAt(Date.UTC(2199, 11, 31, 23, 59, 59, 999))).toBe('2199-12-01');
});

test('months that are missing or out of order are refused', () => {
  const starts = computeMonthStarts('UTC');
  const twice = [starts[0]!, ...starts.slice(0, -1)];
  for (const broken of [starts.slice(1), [], [...starts].reverse(), twice]) {
    expect(() => createBillingCalendar('UTC', broken)).toThrow(
      new RangeError('the months of UTC are incomplete or out of order'),
    );
  }
});

const ZONES = [
  ...['UTC', 'Australia/Sydney', 'America/New_York', 'Australia/Adelaide', 'Pacific/Auckland'],
  ...['Asia/Kolkata', 'America/Santiago', 'Asia/Beirut', 'Pacific/Apia', 'Africa/Cairo'],
];

test.each(ZONES)('%s: month and date of any instant are those of the local clock', (zone) => {
  const calendar = calendarOf(zone);
  const instants = fc.integer({ min: Date.UTC(2000, 0, 2), max: Date.UTC(2199, 11, 30) });
  fc.assert(
    fc.property(instants, (ms) => {
      const instant = Temporal.Instant.fromEpochMilliseconds(ms);
      const local = instant.toZonedDateTimeISO(zone).toPlainDate();
      // Samoa skipped 30 December 2011 altogether.
      fc.pre(zone !== 'Pacific/Apia' || local.year !== 2011);
      expect(calendar.dateOf(instant.toString())).toBe(local.toString());
      expect(calendar.monthOf(instant.toString())).toBe(local.toString().slice(0, 7));
      expect(calendar.monthStartAt(ms)).toBe(`${local.toString().slice(0, 7)}-01`);
      const start = calendar.startOfDay(local);
      expect(calendar.dateOf(start)).toBe(local.toString());
      expect(Date.parse(start)).toBeLessThanOrEqual(ms);
    }),
  );
});
