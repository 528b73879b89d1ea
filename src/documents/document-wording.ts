import { Temporal } from 'temporal-polyfill';

const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September'],
  ...['October', 'November', 'December'],
];

/** Returns a calendar date in Australian style: `"2026-06-01"` → `1 June 2026`. */
export function formatDate(date: string): string {
  const { day, month, year } = Temporal.PlainDate.from(date);
  return `${day} ${MONTHS[month - 1]} ${year}`;
}

/** Returns the UTC date of an instant. */
export function dateOf(instant: string): string {
  return instant.slice(0, '2026-06-01'.length);
}

/** An invoice's words for each unit: with a quantity, and in a unit price. */
const UNITS: Readonly<Record<string, readonly [quantity: string, price: string]>> = {
  month: ['month', 'month'],
  request: ['requests', 'request'],
  '1k_tokens': ['tokens', '1,000 tokens'],
  hour: ['hours', 'hour'],
  gb_month: ['GB-months', 'GB-month'],
  gb: ['GB', 'GB'],
  zone: ['zones', 'zone'],
  snapshot: ['snapshots', 'snapshot'],
};

/**
 * Returns a quantity with its unit. Quantities are in base units, also if the price is for 1,000 of them. Without a unit,
 * only the number is shown.
 * @param qty formatted
 */
export function withQuantityUnit(qty: string, unit: string | null): string {
  return unit === null ? qty : `${qty} ${UNITS[unit]?.[0] ?? unit}`;
}

/** Returns a unit price with its unit: `$0.02 per GB`, or `$0.02 each` for a line without a unit. */
export function withPriceUnit(price: string, unit: string | null): string {
  return unit === null ? `${price} each` : `${price} per ${UNITS[unit]?.[1] ?? unit}`;
}
