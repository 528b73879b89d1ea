import { setCurrentDetails } from '@temporalio/workflow';
import type {
  SweepCursor,
  SweepThresholdsResult,
  ThresholdCounts,
  UsageSweep,
} from '../contracts/activity-types.ts';
import { releaseCuredUsage, sweepThresholds } from './activity-proxies.ts';

/**
 * The workflow that a Schedule starts every few minutes. It releases held usage whose cause was fixed, and then reports
 * spend thresholds that running months have reached. PostgreSQL knows what was done, so a run that was missed, repeated
 * or cut off does no harm.
 * @returns what it has released, looked at and reported
 */
export async function usageSweep(): Promise<UsageSweep> {
  let released = 0;
  let counts: ThresholdCounts;
  try {
    ({ released } = await releaseCuredUsage());
  } finally {
    // Thresholds are reported even if the release fails.
    counts = await reportThresholds();
    setCurrentDetails(renderDetails({ released, ...counts }));
  }
  return { released, ...counts };
}

async function reportThresholds(): Promise<ThresholdCounts> {
  let counts: ThresholdCounts = { tenants: 0, reached: 0, failed: 0 };
  let cursor: SweepCursor | null = null;
  do {
    const { next, ...some }: SweepThresholdsResult = await sweepThresholds({ cursor });
    counts = {
      tenants: counts.tenants + some.tenants,
      reached: counts.reached + some.reached,
      failed: counts.failed + some.failed,
    };
    cursor = next;
  } while (cursor !== null);
  return counts;
}

function renderDetails({ released, tenants, reached, failed }: UsageSweep): string {
  const rest =
    failed === 0
      ? ''
      : ` Tenants that could not be checked: ${failed}; see \`month-end preview\` and the worker's log.`;
  return `Held events released: ${released}. Tenants with thresholds: ${tenants}. Thresholds reached: ${reached}.${rest}`;
}
