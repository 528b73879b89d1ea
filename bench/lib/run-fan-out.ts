import type { Client } from '@temporalio/client';
import { TASK_QUEUE } from '../../src/contracts/ids.ts';
import type { FanOutInput } from '../workflows/fan-out.ts';
import type { MeasuredProcess } from './measured-process.ts';

export interface FanOutRun {
  readonly seconds: number;
  readonly childrenPerSecond: number;
  /** CPU time of the worker during the run. */
  readonly cpuMs: number;
}

/** Runs `fanOut` (`bench/workflows`) to its end: the engine without work. */
export async function runFanOut({
  client,
  worker,
  children,
  maxChildren,
  calls,
}: {
  readonly client: Client;
  readonly worker: MeasuredProcess;
} & Pick<FanOutInput, 'children' | 'maxChildren' | 'calls'>): Promise<FanOutRun> {
  const before = await worker.usage();
  const startedAt = performance.now();
  const input: FanOutInput = { children, maxChildren, calls };
  const options = { workflowId: 'fan-out', taskQueue: TASK_QUEUE, args: [input] };
  await Promise.race([client.workflow.execute('fanOut', options), worker.failure]);
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await worker.usage();
  return { seconds, childrenPerSecond: children / seconds, cpuMs: after.cpuMs - before.cpuMs };
}
