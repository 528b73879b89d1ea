import { ApplicationFailure } from '@temporalio/common';
import { sweepPage } from '../audit/threshold-sweep.ts';
import type { SweepThresholdsInput, SweepThresholdsResult } from '../contracts/activity-types.ts';
import { FAILURE } from '../contracts/failures.ts';
import { errorForLog } from '../lib/logger.ts';
import { reasonOf } from './activity-failures.ts';
import type { ActivityDeps } from './deps.ts';

/** A sweep of many tenants is made of several activities, so that a retry repeats little. */
const LONGEST_MS = 20_000;

/**
 * Reports spend thresholds that the running month, or the last one, has reached, page by page, for some seconds.
 * @throws ApplicationFailure, not retryable, if it looked at all tenants of the sweep and each failed with an error
 */
export function sweepThresholds({ db, now, logger }: ActivityDeps) {
  return async ({ cursor }: SweepThresholdsInput): Promise<SweepThresholdsResult> => {
    const until = performance.now() + LONGEST_MS;
    const errors = { count: 0, last: null as unknown };
    const onError = (tenantId: string, error: unknown) => {
      errors.count += 1;
      errors.last = error;
      logger.warn(
        { tenant_id: tenantId, error: errorForLog(error) },
        "could not check a tenant's spend thresholds",
      );
    };
    let all: SweepThresholdsResult = { tenants: 0, reached: 0, failed: 0, next: cursor };
    do {
      const page = await sweepPage(db, now(), all.next, { until, onError });
      all = {
        tenants: all.tenants + page.tenants,
        reached: all.reached + page.reached,
        failed: all.failed + page.failed,
        next: page.next,
      };
    } while (all.next !== null && performance.now() < until);
    // Not before the end, because tenants that fail must not stop those after them.
    const isWhole = cursor === null && all.next === null;
    if (isWhole && errors.count > 0 && errors.count === all.tenants) {
      throw ApplicationFailure.nonRetryable(
        `no tenant's spend thresholds could be checked: ${reasonOf(errors.last)}`,
        FAILURE.failed,
      );
    }
    return all;
  };
}
