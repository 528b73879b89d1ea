import { Temporal } from 'temporal-polyfill';
import { Decimal } from '../../../domain/decimal.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';

/** Numbers and times as the pages show them. */

/**
 * Formats a change in whole percent: `+12 %`; null if there is nothing to compare with.
 * @param now an exact decimal, such as cents
 */
export function percentChange(now: number | string, then: number | string): string | null {
  const [after, before] = [new Decimal(now), new Decimal(then)];
  if (before.isZero()) return null;
  const percent = after.minus(before).times(100).dividedBy(before.abs()).trunc();
  const sign = percent.isZero() ? '' : percent.isNegative() ? '−' : '+';
  return `${sign}${groupDigits(percent.abs().toFixed())} %`;
}

/**
 * Formats an instant to the minute, in the billing time zone: `2026-06-01 16:02 +10:00`, or `2026-06-01 06:02 UTC`.
 */
export function minute(instant: string, timeZone: string): string {
  const local = Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone);
  const time = local.toPlainTime().toString().slice(0, 'hh:mm'.length);
  return `${local.toPlainDate().toString()} ${time} ${timeZone === 'UTC' ? 'UTC' : local.offset}`;
}

/** Formats an estimated duration: `40 s`, `3 min`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Shortens an exact decimal to two decimals, or to three digits below 1: `38.709677419355` → `38.71`, `0.00123456` →
 * `0.00123`.
 */
export function shorten(decimal: string): string {
  const exact = new Decimal(decimal);
  const short = exact.abs().lessThan(1) ? exact.toSignificantDigits(3) : exact.toDecimalPlaces(2);
  return short.toFixed();
}

/** Formats a quantity with a shortened decimal: `1234.5678` → `1,234.57`, `-0.5` → `−0.5`. */
export function roundedQuantity(decimal: string): string {
  return groupDigits(shorten(decimal)).replace('-', '−');
}

/** Formats exact charges rounded to cents, or to three digits below a cent: `AUD 12.35`, `AUD 0.0000123`. */
export function roundedMoney(exactCents: string, currency: string): string {
  const exact = new Decimal(exactCents);
  const short = exact.abs().lessThan(1) ? exact.toSignificantDigits(3) : exact.toDecimalPlaces(0);
  return formatMoney(short.toFixed(), currency).replace('-', '−');
}
