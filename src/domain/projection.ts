import { Decimal } from './decimal.ts';
import type { Period } from './period.ts';
import type { TimeSpan } from './service-days.ts';

/**
 * Projects usage of a running month to its end: linearly, by the time for which a deployment has been in service
 * (docs/spec.md#the-running-month).
 */

/** How much of a month has passed, in milliseconds. */
export interface Progress {
  readonly elapsedMs: number;
  /** Above 0. */
  readonly totalMs: number;
}

/** Returns how much of the whole month has passed. */
export function progressOfMonth(period: Period, now: Date): Progress {
  return sumSpans([{ startsAt: period.startsAt, endsAt: period.endsAt }], period, now);
}

/**
 * Returns how much of a deployment's service in the month has passed. A deployment that no subscription serves counts
 * as in service all month, because its LLM usage is billed anyway.
 * @param subscriptions don't overlap
 */
export function progressOfService(
  subscriptions: readonly TimeSpan[],
  period: Period,
  now: Date,
): Progress {
  const service = sumSpans(subscriptions, period, now);
  return service.totalMs > 0 ? service : progressOfMonth(period, now);
}

function sumSpans(spans: readonly TimeSpan[], period: Period, now: Date): Progress {
  const month = { start: Date.parse(period.startsAt), end: Date.parse(period.endsAt) };
  let elapsedMs = 0;
  let totalMs = 0;
  for (const { startsAt, endsAt } of spans) {
    const start = Math.max(Date.parse(startsAt), month.start);
    const end = endsAt === null ? month.end : Math.min(Date.parse(endsAt), month.end);
    totalMs += Math.max(end - start, 0);
    elapsedMs += Math.max(Math.min(end, now.getTime()) - start, 0);
  }
  return { elapsedMs, totalMs };
}

/** Decimals of a projected value, as of a prorated quantity. */
const PROJECTED_DECIMALS = 12;

/**
 * Returns a value at the end of the month if it keeps growing as it has so far, rounded half away from zero. Before the
 * service starts there is nothing to scale by, so the value stays.
 */
export function project(
  value: Decimal,
  { elapsedMs, totalMs }: Progress,
  decimals = PROJECTED_DECIMALS,
): Decimal {
  if (elapsedMs === 0 || elapsedMs === totalMs) return value;
  return value.times(totalMs).dividedBy(elapsedMs).toDecimalPlaces(decimals, Decimal.ROUND_HALF_UP);
}

/** Returns the share that has passed, rounded down to 4 decimals: `"0.5161"`. */
export function elapsedShare({ elapsedMs, totalMs }: Progress): string {
  return new Decimal(elapsedMs).dividedBy(totalMs).toDecimalPlaces(4, Decimal.ROUND_DOWN).toFixed();
}
