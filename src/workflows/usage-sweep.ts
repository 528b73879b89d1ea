import { setCurrentDetails } from '@temporalio/workflow';
import type {
  SweepCursor,
  SweepThresholdsResult,
  ThresholdCounts,
} from '../contracts/activity-types.ts';
import { sweepThresholds } from './activity-proxies.ts';

/**
 * The workflow that a Schedule starts every few minutes. It reports spend thresholds that running months have reached.
 * PostgreSQL knows what was reported, so a run that was missed, repeated or cut off does no harm.
 * @returns what it has looked at and reported
 */
export async function usageSweep(): Promise<ThresholdCounts> {
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
  setCurrentDetails(renderDetails(counts));
  return counts;
}

function renderDetails({ tenants, reached, failed }: ThresholdCounts): string {
  const rest =
    failed === 0 ? '' : ` Invoices that can't be computed: ${failed}; see \`month-end preview\`.`;
  return `Tenants with thresholds: ${tenants}. Thresholds reached: ${reached}.${rest}`;
}
