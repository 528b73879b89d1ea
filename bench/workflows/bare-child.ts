import { proxyLocalActivities } from '@temporalio/workflow';
import type { BareActivities } from './bare-activities.ts';

const { nothing } = proxyLocalActivities<BareActivities>({ startToCloseTimeout: '65 s' });

/** A child without work: runs the given number of empty local activities, one after another. */
export async function bareChild(calls: number): Promise<void> {
  for (let call = 0; call < calls; call += 1) await nothing();
}
