import { setCurrentDetails } from '@temporalio/workflow';
import type {
  CuredUsage,
  SweepCursor,
  SweepThresholdsResult,
  ThresholdCounts,
  UsageSweep,
} from '../contracts/activity-types.ts';
import { releaseCuredUsage, sweepThresholds } from './activity-proxies.ts';

/**
 * The workflow that a Schedule starts every few minutes. It releases held usage whose cause was fixed, and then reports
 * spend thresholds that the running month, or the last one, has reached. PostgreSQL knows what was done, so a run that
 * was missed, repeated or cut off does no harm.
 * @returns what it has released, looked at and reported
 */
export async function usageSweep(): Promise<UsageSweep> {
  let held: HeldCounts = { released: 0, unreleased: 0 };
  let counts: ThresholdCounts;
  try {
    held = await releaseHeldUsage();
  } finally {
    // Thresholds are reported even if the release fails.
    counts = await reportThresholds();
    setCurrentDetails(renderDetails({ ...held, ...counts }));
  }
  return { ...held, ...counts };
}

type HeldCounts = Pick<UsageSweep, 'released' | 'unreleased'>;

async function releaseHeldUsage(): Promise<HeldCounts> {
  let counts: HeldCounts = { released: 0, unreleased: 0 };
  let after: number | null = 0;
  do {
    const { released, failed, next }: CuredUsage = await releaseCuredUsage({ after });
    counts = { released: counts.released + released, unreleased: counts.unreleased + failed };
    after = next;
  } while (after !== null);
  return counts;
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

function renderDetails({ released, unreleased, tenants, reached, failed }: UsageSweep): string {
  const kept =
    unreleased === 0 ? '' : ` Held events that failed: ${unreleased}; see the worker's log.`;
  const rest =
    failed === 0
      ? ''
      : ` Tenants that could not be checked: ${failed}; see \`month-end preview\` and the worker's log.`;
  return `Held events released: ${released}.${kept} Tenants with thresholds: ${tenants}. Thresholds reached: ${reached}.${rest}`;
}
