import { compareWithEpochMs, type UtcInstant } from './instant.ts';
import type { FieldError } from './results.ts';

/** How far from our clock new usage may lie; both bounds are within. */
export interface TimeBounds {
  readonly maxAgeMs: number;
  readonly maxAheadMs: number;
}

const SECOND_MS = 1_000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;

/** @param options as the configuration has them */
export function toTimeBounds(options: {
  readonly maxAgeDays: number;
  readonly maxAheadSeconds: number;
}): TimeBounds {
  return {
    maxAgeMs: options.maxAgeDays * DAY_MS,
    maxAheadMs: options.maxAheadSeconds * SECOND_MS,
  };
}

/**
 * 62 days: this month and the one before, whatever their lengths. 5 minutes: clocks differ, but one
 * that is wrong by more must not open months that nobody closes.
 */
export const DEFAULT_TIME_BOUNDS = toTimeBounds({ maxAgeDays: 62, maxAheadSeconds: 300 });

/**
 * Why new usage of this instant can't be taken. An event that was accepted before stays accepted
 * however old it grows: ask only for ids that aren't stored.
 * @param isBackfill an operator sends it: it may be of any age
 * @returns null where it can
 */
export function checkTime(
  occurredAt: UtcInstant,
  now: Date,
  { maxAgeMs, maxAheadMs }: TimeBounds,
  isBackfill: boolean,
): FieldError | null {
  const nowMs = now.getTime();
  if (compareWithEpochMs(occurredAt, nowMs + maxAheadMs) > 0) {
    return {
      pointer: '/occurred_at',
      detail:
        `${occurredAt.text} is more than ${maxAheadMs / SECOND_MS} seconds ahead: ` +
        "check the sender's clock",
    };
  }
  if (!isBackfill && compareWithEpochMs(occurredAt, nowMs - maxAgeMs) < 0) {
    return {
      pointer: '/occurred_at',
      detail:
        `${occurredAt.text} is more than ${maxAgeMs / DAY_MS} days ago: ` +
        'an operator can send it as a backfill',
    };
  }
  return null;
}
