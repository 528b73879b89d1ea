import type { BillingCalendar } from './billing-calendar.ts';
import type { Month } from './period.ts';

/** When a tenant's running month has reached a spend threshold (docs/spec.md#spend-thresholds). */

/** The most thresholds that a tenant can have. */
export const MAX_THRESHOLDS = 20;

/** How often thresholds of a tenant can be set in 24 hours: each setting stays on record and can be one more notice. */
export const MAX_SETTINGS_A_DAY = 200;

/** The bounds of a share of the plan. 100 or less would be reached as soon as a month starts. */
export const PERCENT_OF_PLAN = { min: 101, max: 100_000 } as const;

/** What a threshold says: exactly one of both. */
export type ThresholdLimit =
  | { readonly amountCents: number; readonly percentOfPlan: null }
  | { readonly amountCents: null; readonly percentOfPlan: number };

/** What a tenant's running invoice comes to, in cents before tax. */
export interface RunningTotal {
  readonly subtotalCents: number;
  /** The part of it that repeats every month: base prices and addons. */
  readonly recurringCents: number;
}

/**
 * Returns the smallest amount in cents that reaches a threshold.
 * @returns null if no amount does: a share of a plan without recurring charges, or of more than can be billed
 */
export function thresholdCents(
  { amountCents, percentOfPlan }: ThresholdLimit,
  recurringCents: number,
): number | null {
  if (percentOfPlan === null) return amountCents;
  if (recurringCents <= 0) return null;
  // Rounded up: an amount below the exact share doesn't reach it.
  const cents = Number((BigInt(recurringCents) * BigInt(percentOfPlan) + 99n) / 100n);
  return Number.isSafeInteger(cents) ? cents : null;
}

/** Returns the amount of a threshold that the running invoice has reached, in cents; null if it has not. */
export function reachedCents(
  limit: ThresholdLimit,
  { subtotalCents, recurringCents }: RunningTotal,
): number | null {
  const cents = thresholdCents(limit, recurringCents);
  return cents !== null && subtotalCents >= cents ? cents : null;
}

/**
 * Returns the months that a sweep looks at: the last one, whose last usage arrives before its invoice and after its end,
 * and the running one.
 */
export function monthsToSweep(
  { monthBefore, monthOf }: BillingCalendar,
  now: Date,
): readonly [last: Month, running: Month] {
  return [monthBefore(now), monthOf(now)];
}
