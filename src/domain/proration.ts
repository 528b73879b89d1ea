import { Decimal, roundToCents } from './decimal.ts';
import { parseDate } from './period.ts';
import type { JsonObject } from './types.ts';

/** Days of a month as a fraction of it. */
export interface DayFraction {
  readonly days: number;
  readonly daysInMonth: number;
}

/** The part of a month for which something is billed (docs/spec.md#days-billed). */
export interface MonthShare extends DayFraction {
  /** The first and the last of these days; null for none, and where the dates don't matter. */
  readonly serviceFrom: string | null;
  readonly serviceTo: string | null;
}

export const WHOLE_MONTH: MonthShare = {
  days: 1,
  daysInMonth: 1,
  serviceFrom: null,
  serviceTo: null,
};

/**
 * Returns the share that is left of a month from a date on; the date counts.
 * @throws DomainError `invalid_date`
 */
export function restOfMonth(date: string): MonthShare {
  const { day, daysInMonth } = parseDate(date);
  return { days: daysInMonth - day + 1, daysInMonth, serviceFrom: null, serviceTo: null };
}

/** Decimals of a prorated quantity. */
const QUANTITY_DECIMALS = 12;

export function isWhole({ days, daysInMonth }: DayFraction): boolean {
  return days === daysInMonth;
}

/** Returns `"12/31"`, not reduced, so that it shows the days. */
export function fractionOf({ days, daysInMonth }: DayFraction): string {
  return `${days}/${daysInMonth}`;
}

/** Returns the share of a monthly price, rounded to cents. */
export function shareOfPrice(priceCents: number, share: DayFraction): number {
  return roundToCents(new Decimal(priceCents).times(share.days).dividedBy(share.daysInMonth));
}

/**
 * Returns the share of a monthly quantity, rounded half up to 12 decimals.
 * @param qty has at most 12 decimals, so a whole month needs no arithmetic
 */
export function shareOfQuantity(qty: Decimal, share: DayFraction): Decimal {
  if (isWhole(share)) return qty;
  return qty
    .times(share.days)
    .dividedBy(share.daysInMonth)
    .toDecimalPlaces(QUANTITY_DECIMALS, Decimal.ROUND_HALF_UP);
}

/** Returns what a line's `meta` says about its share; nothing about a whole month. */
export function shareMeta(share: MonthShare): JsonObject {
  if (isWhole(share)) return {};
  const { serviceFrom, serviceTo } = share;
  return {
    proration_fraction: fractionOf(share),
    ...(serviceFrom !== null && { service_from: serviceFrom, service_to: serviceTo }),
  };
}
