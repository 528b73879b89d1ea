import { proxyLocalActivities } from '@temporalio/workflow';
import type { BareActivities } from './bare-activities.ts';

const { nothing } = proxyLocalActivities<BareActivities>({ startToCloseTimeout: '65 s' });

/** The least that a child with work of its own can be: one local activity, which does nothing. */
export async function bareChild(): Promise<void> {
  await nothing();
}
