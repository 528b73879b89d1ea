import { formatCents } from '../domain/format.ts';

/** Numbers, amounts and times as the pages show them. */

/** An amount with its currency: `AUD 1,234.50`. */
export function money(cents: number | string, currency: string): string {
  return `${currency} ${formatCents(cents)}`;
}

/** A difference, with its sign: `+12.50`, `−3.00` (a true minus), `0.00`. */
export function signedCents(cents: number | string): string {
  const value = BigInt(cents);
  if (value === 0n) return formatCents('0');
  return value < 0n ? `−${formatCents(String(-value))}` : `+${formatCents(String(value))}`;
}

/** How much more, in whole percent: `+12 %`; null of nothing, where there is no such figure. */
export function percentChange(
  nowCents: number | string,
  thenCents: number | string,
): string | null {
  const [now, then] = [BigInt(nowCents), BigInt(thenCents)];
  if (then === 0n) return null;
  const percent = ((now - then) * 100n) / (then < 0n ? -then : then);
  const sign = percent < 0n ? '−' : '+';
  return `${percent === 0n ? '' : sign}${count(String(percent < 0n ? -percent : percent))} %`;
}

/** A whole number with its thousands: `12,345`. */
export function count(value: number | string): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A decimal with its thousands: `1,500,000.25`. */
export function quantity(decimal: string): string {
  const [whole = '', fraction] = decimal.split('.');
  return fraction === undefined ? count(whole) : `${count(whole)}.${fraction}`;
}

/** An instant to the minute, in UTC: `2026-06-01 06:02 UTC`. */
export function minute(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}

/** How long something will take, roughly: `40 s`, `3 min`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** A month as people say it: `May 2026`. */
export function monthName(month: string): string {
  return `${MONTHS[Number(month.slice(5, 7)) - 1] ?? ''} ${month.slice(0, 4)}`;
}
