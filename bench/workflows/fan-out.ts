import { continueAsNew, executeChild, workflowInfo } from '@temporalio/workflow';
import { ChildPool } from '../../src/workflows/child-pool.ts';
import { bareChild } from './bare-child.ts';

export interface FanOutInput {
  readonly children: number;
  /** Concurrent children, as in `MonthEndOptions`. */
  readonly maxChildren: number;
  /** Empty local activities that each child runs. */
  readonly calls: number;
  /** Children finished by earlier runs. */
  readonly done?: number;
}

/**
 * The month end's fan-out without the month end: the same bounded pool, the same continue-as-new.
 * Its rate of bare children is the limit for one child per tenant.
 */
export async function fanOut({
  children,
  maxChildren,
  calls,
  done = 0,
}: FanOutInput): Promise<number> {
  const pool = new ChildPool(maxChildren);
  for (let next = done; next < children; next += 1) {
    await pool.waitForRoom();
    pool.start(() => executeChild(bareChild, { workflowId: `bare-${next}`, args: [calls] }));
    if (workflowInfo().continueAsNewSuggested) {
      await pool.drain();
      await continueAsNew<typeof fanOut>({ children, maxChildren, calls, done: next + 1 });
    }
  }
  await pool.drain();
  return children;
}
