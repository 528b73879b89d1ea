import { ApplicationFailure } from '@temporalio/common';
import type { CuredUsage, ReleaseCuredInput } from '../contracts/activity-types.ts';
import { FAILURE } from '../contracts/failures.ts';
import { releaseCured } from '../ingestion/quarantine/release-cured.ts';
import { errorForLog } from '../lib/logger.ts';
import { reasonOf } from './activity-failures.ts';
import type { ActivityDeps } from './deps.ts';

/** A sweep of many events is made of several activities, so that each ends within its timeout. */
const LONGEST_MS = 20_000;
/** Events that the log names. */
const NAMED = 10;

/**
 * Releases held usage into the ledger whose tenant and deployment exist by now, for some seconds
 * (docs/spec.md#quarantine).
 * @throws ApplicationFailure, not retryable, if it tried all events of the sweep and each failed with an error
 */
export function releaseCuredUsage({ db, now, timeBounds, logger }: ActivityDeps) {
  return async ({ after }: ReleaseCuredInput): Promise<CuredUsage> => {
    const failed: number[] = [];
    let lastError: unknown = null;
    const { released, still_held, next } = await releaseCured(db, {
      ...{ now: now(), timeBounds, after },
      until: performance.now() + LONGEST_MS,
      onError: (ids, error) => {
        failed.push(...ids);
        lastError = error;
      },
    });
    const stillHeld = still_held.reduce((sum, { events }) => sum + events, 0);
    if (failed.length > 0) {
      logger.warn(
        { events: failed.length, first: failed.slice(0, NAMED), error: errorForLog(lastError) },
        'could not release held usage',
      );
      // Not before the end, because events that fail must not stop those after them.
      if (after === 0 && next === null && released + stillHeld === 0) {
        throw ApplicationFailure.nonRetryable(
          `no held usage could be released: ${reasonOf(lastError)}`,
          FAILURE.failed,
        );
      }
    }
    return { released, stillHeld, failed: failed.length, next };
  };
}
