import type { TimeBounds } from '../../src/ingestion/time-bounds.ts';

/** For the fixed months that tests are about, whatever the clock says. */
export const ANY_TIME: TimeBounds = {
  maxAgeMs: Number.POSITIVE_INFINITY,
  maxAheadMs: Number.POSITIVE_INFINITY,
};

/** The same as configuration, for an API that is started. */
export const ANY_TIME_CONFIG = { maxAgeDays: 36_500, maxAheadSeconds: 36_500 * 86_400 };

/** The same as environment, for one in a process of its own. */
export const ANY_TIME_ENV = {
  USAGE_MAX_AGE_DAYS: String(ANY_TIME_CONFIG.maxAgeDays),
  USAGE_MAX_AHEAD_SECONDS: String(ANY_TIME_CONFIG.maxAheadSeconds),
};
