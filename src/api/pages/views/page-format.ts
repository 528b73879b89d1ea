import { formatAmount } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';

/** Numbers, amounts and times as the pages show them. */

/** Formats a difference with its sign: `+12.50`, `−3.00` (a true minus), `0.00`. */
export function signedAmount(cents: number | string, currency: string): string {
  const value = BigInt(cents);
  const amount = formatAmount(String(value < 0n ? -value : value), currency);
  return value === 0n ? amount : `${value < 0n ? '−' : '+'}${amount}`;
}

/** Formats a change in whole percent: `+12 %`; null if there is no amount to compare with. */
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

/** Formats a whole number with thousands separators: `12,345`. */
export function count(value: number | string): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** Formats a decimal with thousands separators: `1,500,000.25`. */
export function quantity(decimal: string): string {
  const [whole = '', fraction] = decimal.split('.');
  return fraction === undefined ? count(whole) : `${count(whole)}.${fraction}`;
}

/** Formats an instant to the minute, in UTC: `2026-06-01 06:02 UTC`. */
export function minute(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}

/** Formats an estimated duration: `40 s`, `3 min`, `2 h 5 min`. */
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

/** Formats a month: `May 2026`. */
export function monthName(month: string): string {
  return `${MONTHS[Number(month.slice(5, 7)) - 1] ?? ''} ${month.slice(0, 4)}`;
}

/** Quantity and price of a line. */
interface PricedLine {
  readonly kind: string;
  readonly qty: string;
  readonly unit: string | null;
  readonly unit_price_cents: number | null;
}

/** Renders a quantity with its unit. Overage has none here: it counts in base units, and the unit belongs to its price. */
export function quantityCell({ kind, qty, unit }: PricedLine): Markup {
  return markup`${quantity(qty)}${kind === 'overage' ? '' : markup`<span class="sub">${unit}</span>`}`;
}

/** Renders a unit price, for overage with the unit. */
export function priceCell(
  { kind, unit, unit_price_cents }: PricedLine,
  currency: string,
): Markup | string {
  if (unit_price_cents === null) return '';
  const price = formatAmount(unit_price_cents, currency);
  return kind === 'overage'
    ? markup`${price}<span class="sub">${unit === null ? 'each' : `per ${unit}`}</span>`
    : price;
}
