import { Temporal } from 'temporal-polyfill';
import { DomainError } from './errors.ts';

/** A calendar month, `"2026-05"`. As text, months sort by time. */
export type Month = string;

/** A billing period (docs/spec.md#month-end): a calendar month in UTC. */
export interface Period {
  readonly month: Month;
  /** Inclusive calendar dates. */
  readonly periodStart: string;
  readonly periodEnd: string;
  /** UTC instants, half open: [startsAt, endsAt). */
  readonly startsAt: string;
  readonly endsAt: string;
}

// Years 1000 to 2999: neighbouring months also have four-digit years, and years outside are typing
// mistakes.
const MONTH_PATTERN = /^[12]\d{3}-(?:0[1-9]|1[0-2])$/;
const DATE_PATTERN = /^[12]\d{3}-\d{2}-\d{2}$/;
// Strictly RFC 3339; Temporal itself also accepts other forms of ISO 8601.
const INSTANT_PATTERN =
  /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** @throws DomainError `invalid_month` */
export function parseMonth(text: string): Month {
  if (!MONTH_PATTERN.test(text)) {
    throw new DomainError(
      'invalid_month',
      `${JSON.stringify(text)} is not a month: expected one such as "2026-05"`,
    );
  }
  return text;
}

/**
 * Parses a month that usage may have: a year from 2000 to 2999, the years allowed in instants, so
 * that the neighbouring months are valid too.
 * @throws DomainError `invalid_month`
 */
export function parseServiceMonth(text: string): Month {
  const month = parseMonth(text);
  if (month.startsWith('2')) return month;
  throw new DomainError('invalid_month', `${month} is not a month of the years 2000 to 2999`);
}

/**
 * Parses a calendar date, `"2026-05-20"`.
 * @throws DomainError `invalid_date`
 */
export function parseDate(text: string): Temporal.PlainDate {
  try {
    if (DATE_PATTERN.test(text)) return Temporal.PlainDate.from(text);
  } catch {
    // A day that its month doesn't have: rejected below.
  }
  throw new DomainError(
    'invalid_date',
    `${JSON.stringify(text)} is not a calendar date: expected one such as "2026-05-20"`,
  );
}

/**
 * Returns the dates and instants of a month.
 * @throws DomainError `invalid_month`
 */
export function periodOf(month: Month): Period {
  const first = firstDay(month);
  const firstOfNext = first.add({ months: 1 });
  return {
    month,
    periodStart: first.toString(),
    periodEnd: firstOfNext.subtract({ days: 1 }).toString(),
    startsAt: `${first.toString()}T00:00:00Z`,
    endsAt: `${firstOfNext.toString()}T00:00:00Z`,
  };
}

/**
 * Returns the month of an instant in UTC: `"2026-05-31T23:30:00-02:00"` belongs to June.
 * @param instant a Date, or RFC 3339 text
 * @throws DomainError `invalid_instant`, `invalid_month` (a year outside 1000 to 2999)
 */
export function monthOfInstant(instant: string | Date): Month {
  return monthOf(parseInstant(instant).toString());
}

/**
 * Returns the month before the month of an instant: the default month of a run scheduled for that instant.
 * @throws DomainError `invalid_instant`, `invalid_month`
 */
export function monthBefore(instant: string | Date): Month {
  return previousMonth(monthOfInstant(instant));
}

/** @throws DomainError `invalid_month` */
export function previousMonth(month: Month): Month {
  return monthOf(firstDay(month).subtract({ months: 1 }).toString());
}

/** @throws DomainError `invalid_month` */
export function nextMonth(month: Month): Month {
  return monthOf(firstDay(month).add({ months: 1 }).toString());
}

/**
 * Whether the month's last instant has passed at `now`.
 * @throws DomainError `invalid_month`, `invalid_instant`
 */
export function isOver(month: Month, now: Date): boolean {
  return parseMonth(month) < monthOfInstant(now);
}

/**
 * Returns the number of days in a calendar date's month.
 * @throws DomainError `invalid_date`
 */
export function daysInMonth(date: string): number {
  return parseDate(date).daysInMonth;
}

function firstDay(month: Month): Temporal.PlainDate {
  return Temporal.PlainDate.from(`${parseMonth(month)}-01`);
}

/** Returns the month of an ISO text that starts with a date; rejects years of more than four digits. */
function monthOf(isoText: string): Month {
  return parseMonth(isoText.slice(0, '2026-05'.length));
}

function parseInstant(instant: string | Date): Temporal.Instant {
  try {
    if (typeof instant !== 'string') {
      return Temporal.Instant.fromEpochMilliseconds(instant.getTime());
    }
    if (INSTANT_PATTERN.test(instant)) return Temporal.Instant.from(instant);
  } catch {
    // A field out of range, or an invalid Date: rejected below.
  }
  throw new DomainError(
    'invalid_instant',
    `${JSON.stringify(instant)} is not an instant: expected RFC 3339, such as "2026-05-31T23:59:59Z"`,
  );
}
