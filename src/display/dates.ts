import { daysInMonth, monthStart } from '../domain/period.ts';

/** Calendar dates and months in Australian style. */

/** A space at which a line doesn't break. */
export const NO_BREAK = '\u00a0';

const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September'],
  ...['October', 'November', 'December'],
];

/** Returns a calendar date: `"2026-06-01"` → `1 June 2026`. */
export function formatDate(date: string): string {
  return `${dayOf(date)}${NO_BREAK}${formatMonth(date)}`;
}

/** Returns a month: `"2026-05"` → `May 2026`. */
export function formatMonth(month: string): string {
  return `${nameOfMonth(month)} ${month.slice(0, 4)}`;
}

/** Returns two dates of one month without the year: `1–19 May`, or `31 May` if they are the same. */
export function formatDays(from: string, to: string): string {
  const days = from === to ? dayOf(from) : `${dayOf(from)}–${dayOf(to)}`;
  return `${days}${NO_BREAK}${nameOfMonth(from)}`;
}

/** Returns the days of a month: `"2026-04"` → `1–30 April 2026`. */
export function formatWholeMonth(month: string): string {
  const [first, last] = datesOfMonth(month);
  return `${formatDays(first, last)} ${month.slice(0, 4)}`;
}

/** Returns the first and the last date of a month: `"2026-04"` → `["2026-04-01", "2026-04-30"]`. */
export function datesOfMonth(month: string): readonly [string, string] {
  const first = monthStart(month);
  return [first, `${month}-${daysInMonth(first)}`];
}

function dayOf(date: string): string {
  return String(Number(date.slice(8, 10)));
}

function nameOfMonth(date: string): string {
  return MONTHS[Number(date.slice(5, 7)) - 1] ?? '';
}
