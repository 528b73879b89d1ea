import { Temporal } from 'temporal-polyfill';
import { DomainError } from './errors.ts';
import {
  CALENDAR_YEARS,
  parseInstant,
  parseMonth,
  parseServiceMonth,
  previousMonth,
} from './period.ts';
import type { Month, Period } from './period.ts';

const MONTHS = (CALENDAR_YEARS.last - CALENDAR_YEARS.first + 1) * 12;

/**
 * The months and days of the billing time zone (docs/spec.md#billing-time-zone). Immutable, and pure: the same
 * instant always has the same month. `src/db/settings/load-calendar.ts` reads it from the database.
 */
export interface BillingCalendar {
  /** IANA name, such as `Australia/Sydney`. */
  readonly timeZone: string;
  /**
   * Returns the dates and instants of a month.
   * @throws DomainError `invalid_month`, also for a month outside of `CALENDAR_YEARS`
   */
  readonly periodOf: (month: Month) => Period;
  /**
   * Returns the month of an instant. In Australia/Sydney, `"2026-04-30T14:00:00Z"` belongs to May.
   * @param instant a Date, or RFC 3339 text
   * @throws DomainError `invalid_instant`, `invalid_month` (outside of `CALENDAR_YEARS`)
   */
  readonly monthOf: (instant: string | Date) => Month;
  /**
   * Returns the first day of the month of an instant; null outside of `CALENDAR_YEARS`. Fast enough to be called for
   * every usage event.
   * @param epochMs milliseconds, rounded down: no boundary lies within one
   */
  readonly monthStartAt: (epochMs: number) => string | null;
  /**
   * Returns the local date of an instant.
   * @throws DomainError `invalid_instant`
   */
  readonly dateOf: (instant: string | Date) => string;
  /**
   * Returns the first instant of a local date, `"2026-04-30T14:00:00Z"`. That is midnight, or the first instant after it
   * where a clock change skips midnight.
   * @throws DomainError `invalid_date`
   */
  readonly startOfDay: (date: Temporal.PlainDate) => string;
  /**
   * Returns the first instants of a month's days, in order.
   * @throws DomainError `invalid_month`, also for a month outside of `CALENDAR_YEARS`
   */
  readonly dayStartsOf: (month: Month) => readonly string[];
  /**
   * Returns the month before the month of an instant: the default month of a run scheduled for that instant.
   * @throws DomainError `invalid_instant`, `invalid_month`
   */
  readonly monthBefore: (instant: string | Date) => Month;
  /**
   * Whether the month's last instant has passed at `now`.
   * @throws DomainError `invalid_month`, `invalid_instant`
   */
  readonly isOver: (month: Month, now: Date) => boolean;
}

/**
 * Computes the first instant of each month of `CALENDAR_YEARS`, and the end of the last one, in epoch milliseconds. The
 * only place where month boundaries are computed: everything else reads what was stored.
 * @param timeZone a valid IANA name
 */
export function computeMonthStarts(timeZone: string): readonly number[] {
  const first = Temporal.PlainDate.from({ year: CALENDAR_YEARS.first, month: 1, day: 1 });
  return Array.from(
    { length: MONTHS + 1 },
    (_, index) => first.add({ months: index }).toZonedDateTime(timeZone).epochMilliseconds,
  );
}

/**
 * Returns the calendar with these month boundaries.
 * @param starts as `computeMonthStarts` returns them
 * @throws RangeError if there are too few or too many, or if they are not in order
 */
export function createBillingCalendar(
  timeZone: string,
  starts: readonly number[],
): BillingCalendar {
  if (starts.length !== MONTHS + 1 || starts.some((at, index) => at <= (starts[index - 1] ?? 0))) {
    throw new RangeError(`the months of ${timeZone} are incomplete or out of order`);
  }
  const firsts = Array.from({ length: MONTHS }, (_, index) => `${monthAt(index)}-01`);
  const periods = new Map<Month, Period>();
  const daysOfMonth = new Map<number, readonly number[]>();

  function periodOf(month: Month): Period {
    const known = periods.get(month);
    if (known) return known;
    const index = indexOf(parseServiceMonth(month));
    const first = Temporal.PlainDate.from(`${month}-01`);
    const period: Period = {
      month,
      periodStart: first.toString(),
      periodEnd: first.with({ day: first.daysInMonth }).toString(),
      startsAt: toInstant(startAt(index)),
      endsAt: toInstant(startAt(index + 1)),
    };
    periods.set(month, period);
    return period;
  }

  function startAt(index: number): number {
    const start = starts[index];
    if (start === undefined) throw new RangeError(`there is no month ${monthAt(index)}`);
    return start;
  }

  /** Returns where a month starts if the date is its first day; undefined for other days and months outside of the calendar. */
  function storedStartOf(date: Temporal.PlainDate): number | undefined {
    return date.day === 1 ? starts[indexOf(date.toString().slice(0, -'-01'.length))] : undefined;
  }

  function monthOf(instant: string | Date): Month {
    const { epochMilliseconds } = parseInstant(instant);
    const first = monthStartAt(epochMilliseconds);
    if (first === null) throw outsideOfCalendar(new Date(epochMilliseconds).toISOString());
    return first.slice(0, -'-01'.length);
  }

  function monthStartAt(epochMs: number): string | null {
    return firsts[lastAtOrBefore(starts, epochMs)] ?? null;
  }

  function dateOf(instant: string | Date): string {
    const { epochMilliseconds } = parseInstant(instant);
    const index = lastAtOrBefore(starts, epochMilliseconds);
    const first = firsts[index];
    if (first === undefined) return localDate(epochMilliseconds, timeZone);
    const day = lastAtOrBefore(daysAt(index), epochMilliseconds) + 1;
    return `${first.slice(0, -2)}${String(day).padStart(2, '0')}`;
  }

  /** Returns the first instants of the days of a month. */
  function daysAt(index: number): readonly number[] {
    const known = daysOfMonth.get(index);
    if (known) return known;
    const days = daysFrom(startAt(index), `${monthAt(index)}-01`, timeZone);
    daysOfMonth.set(index, days);
    return days;
  }

  return {
    timeZone,
    periodOf,
    monthOf,
    monthStartAt,
    dateOf,
    startOfDay: (date) => toInstant(storedStartOf(date) ?? startInZone(date, timeZone)),
    dayStartsOf: (month) => daysAt(indexOf(parseServiceMonth(month))).map(toInstant),
    monthBefore: (instant) => previousMonth(monthOf(instant)),
    isOver: (month, now) => parseMonth(month) < monthOf(now),
  };
}

/** Returns the first instants of a month's days; the first day starts where the stored month does. */
function daysFrom(start: number, first: string, timeZone: string): readonly number[] {
  const date = Temporal.PlainDate.from(first);
  return Array.from({ length: date.daysInMonth }, (_, index) =>
    index === 0 ? start : startInZone(date.add({ days: index }), timeZone),
  );
}

function startInZone(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds;
}

/** Returns the index of the last value that isn't above the given one; -1 if all are. */
function lastAtOrBefore(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? Infinity) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function localDate(epochMs: number, timeZone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(epochMs)
    .toZonedDateTimeISO(timeZone)
    .toPlainDate()
    .toString();
}

/** Returns the index of a month of the calendar. */
function indexOf(month: Month): number {
  return (Number(month.slice(0, 4)) - CALENDAR_YEARS.first) * 12 + Number(month.slice(5)) - 1;
}

function monthAt(index: number): Month {
  const year = CALENDAR_YEARS.first + Math.floor(index / 12);
  return `${year}-${String((index % 12) + 1).padStart(2, '0')}`;
}

function toInstant(epochMs: number): string {
  return Temporal.Instant.fromEpochMilliseconds(epochMs).toString();
}

function outsideOfCalendar(what: string): DomainError {
  const { first, last } = CALENDAR_YEARS;
  return new DomainError('invalid_month', `${what} is not in the years ${first} to ${last}`);
}
