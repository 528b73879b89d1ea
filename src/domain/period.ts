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

// Years 1000 to 2999: every neighbouring month is a year of four digits too, and what lies outside
// is a slip of the pen.
const MONTH_PATTERN = /^[12]\d{3}-(?:0[1-9]|1[0-2])$/;
const DATE_PATTERN = /^[12]\d{3}-\d{2}-\d{2}$/;
// RFC 3339 proper; Temporal alone would also take other forms of ISO 8601.
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
 * A month that usage may be of: its year is one of those that instants may have, 2000 to 2999, so that the months
 * around it are months, too.
 * @throws DomainError `invalid_month`
 */
export function parseServiceMonth(text: string): Month {
  const month = parseMonth(text);
  if (month.startsWith('2')) return month;
  throw new DomainError('invalid_month', `${month} is not a month of the years 2000 to 2999`);
}

/**
 * A calendar date, `"2026-05-20"`.
 * @throws DomainError `invalid_date`
 */
export function parseDate(text: string): Temporal.PlainDate {
  try {
    if (DATE_PATTERN.test(text)) return Temporal.PlainDate.from(text);
  } catch {
    // A day that its month doesn't have: refused below.
  }
  throw new DomainError(
    'invalid_date',
    `${JSON.stringify(text)} is not a calendar date: expected one such as "2026-05-20"`,
  );
}

/**
 * Dates and instants of a month.
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
 * The month of an instant in UTC: `"2026-05-31T23:30:00-02:00"` belongs to June.
 * @param instant a Date, or RFC 3339 text
 * @throws DomainError `invalid_instant`, `invalid_month` (a year outside 1000 to 2999)
 */
export function monthOfInstant(instant: string | Date): Month {
  return monthOf(parseInstant(instant).toString());
}

/**
 * The month before the one that an instant is in: what a run scheduled for it bills by default.
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
 * How many days the month of a calendar date has.
 * @throws DomainError `invalid_date`
 */
export function daysInMonth(date: string): number {
  return parseDate(date).daysInMonth;
}

function firstDay(month: Month): Temporal.PlainDate {
  return Temporal.PlainDate.from(`${parseMonth(month)}-01`);
}

/** The month of an ISO text that starts with a date; refuses years of more than four digits. */
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
    // A field out of its range, or an invalid Date: refused below.
  }
  throw new DomainError(
    'invalid_instant',
    `${JSON.stringify(instant)} is not an instant: expected RFC 3339, such as "2026-05-31T23:59:59Z"`,
  );
}
