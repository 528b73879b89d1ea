import { Temporal } from 'temporal-polyfill';
import { DomainError } from './errors.ts';

/** A calendar month, `"2026-05"`. As text, months sort by time. */
export type Month = string;

/** A billing period (docs/spec.md#billing-time-zone): a month of the billing time zone. */
export interface Period {
  readonly month: Month;
  /** Inclusive dates in the billing time zone. */
  readonly periodStart: string;
  readonly periodEnd: string;
  /** Instants, written in UTC, half open: [startsAt, endsAt). */
  readonly startsAt: string;
  readonly endsAt: string;
}

/** The years of the billing calendar: usage and invoices of other years are typing mistakes. */
export const CALENDAR_YEARS = { first: 2000, last: 2199 } as const;

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
 * Parses a month of the billing calendar.
 * @throws DomainError `invalid_month`
 */
export function parseServiceMonth(text: string): Month {
  const month = parseMonth(text);
  const year = Number(month.slice(0, 4));
  const { first, last } = CALENDAR_YEARS;
  if (year >= first && year <= last) return month;
  throw new DomainError(
    'invalid_month',
    `${month} is not a month of the years ${first} to ${last}`,
  );
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
 * Returns the first day of a month, `"2026-05-01"`.
 * @throws DomainError `invalid_month`
 */
export function monthStart(month: Month): string {
  return `${parseMonth(month)}-01`;
}

/** @throws DomainError `invalid_month` */
export function previousMonth(month: Month): Month {
  return addMonths(month, -1);
}

/** @throws DomainError `invalid_month` */
export function nextMonth(month: Month): Month {
  return addMonths(month, 1);
}

/**
 * Returns the month that is a number of months later; earlier if it is negative.
 * @throws DomainError `invalid_month`
 */
export function addMonths(month: Month, count: number): Month {
  return monthOf(firstDay(month).add({ months: count }));
}

/**
 * Returns the number of days in a calendar date's month.
 * @throws DomainError `invalid_date`
 */
export function daysInMonth(date: string): number {
  return parseDate(date).daysInMonth;
}

/**
 * Parses an RFC 3339 instant.
 * @throws DomainError `invalid_instant`
 */
export function parseInstant(instant: string | Date): Temporal.Instant {
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

function firstDay(month: Month): Temporal.PlainDate {
  return Temporal.PlainDate.from(monthStart(month));
}

/** Returns the month of a date; rejects years of more than four digits. */
function monthOf(date: Temporal.PlainDate): Month {
  return parseMonth(date.toString().slice(0, -'-01'.length));
}
