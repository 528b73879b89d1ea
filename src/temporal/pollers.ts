import type { Client } from '@temporalio/client';
import { TASK_QUEUE } from '../contracts/ids.ts';

/** Temporal's `TaskQueueType` of workflow tasks; its protobuf package isn't one that we depend on. */
const WORKFLOW_TASKS = 1;

/** Who has polled our task queue in the last minutes: the workers, as `pid@host`. */
export async function listWorkers({
  workflowService,
  options,
}: Client): Promise<readonly string[]> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace: options.namespace,
    taskQueue: { name: TASK_QUEUE },
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- see above
    taskQueueType: WORKFLOW_TASKS,
  });
  return [...new Set(pollers.map(({ identity }) => identity ?? ''))];
}
