import { Temporal } from 'temporal-polyfill';

const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September'],
  ...['October', 'November', 'December'],
];

/** A calendar date as it is written in Australia: `"2026-06-01"` → `1 June 2026`. */
export function formatDate(date: string): string {
  const { day, month, year } = Temporal.PlainDate.from(date);
  return `${day} ${MONTHS[month - 1]} ${year}`;
}

/** The date of an instant, in UTC as everything here. */
export function dateOf(instant: string): string {
  return instant.slice(0, '2026-06-01'.length);
}
