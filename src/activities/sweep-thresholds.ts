import { sweepPage } from '../audit/threshold-sweep.ts';
import type { SweepThresholdsInput, SweepThresholdsResult } from '../contracts/activity-types.ts';
import type { ActivityDeps } from './deps.ts';

/** A sweep of many tenants is made of several activities, so that a retry repeats little. */
const LONGEST_MS = 20_000;

/** Reports spend thresholds that running months have reached, page by page, for some seconds. */
export function sweepThresholds({ db, now }: ActivityDeps) {
  return async ({ cursor }: SweepThresholdsInput): Promise<SweepThresholdsResult> => {
    const until = performance.now() + LONGEST_MS;
    let all: SweepThresholdsResult = { tenants: 0, reached: 0, failed: 0, next: cursor };
    do {
      const page = await sweepPage(db, now(), all.next);
      all = {
        tenants: all.tenants + page.tenants,
        reached: all.reached + page.reached,
        failed: all.failed + page.failed,
        next: page.next,
      };
    } while (all.next !== null && performance.now() < until);
    return all;
  };
}
