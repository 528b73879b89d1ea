import { compareWithEpochMs, type UtcInstant } from './instant.ts';
import type { FieldError } from './results.ts';

/** How far from our clock new usage may be, bounds included. */
export interface TimeBounds {
  readonly maxAgeMs: number;
  readonly maxAheadMs: number;
}

const SECOND_MS = 1_000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;

/** Converts the configured bounds to milliseconds. */
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
 * 62 days cover this month and the one before, whatever their lengths. 5 minutes allow for differing clocks,
 * but a clock that is further ahead must not open months that no run closes.
 */
export const DEFAULT_TIME_BOUNDS = toTimeBounds({ maxAgeDays: 62, maxAheadSeconds: 300 });

/**
 * Returns why new usage of this instant is rejected; null if it is accepted. The result applies only to ids
 * that aren't stored: an accepted event stays accepted however old it gets.
 * @param isBackfill whether an operator sends the event, which may then be of any age
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
