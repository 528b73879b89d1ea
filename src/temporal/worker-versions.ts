import type { Client } from '@temporalio/client';
import { TASK_QUEUE } from '../contracts/ids.ts';

/** Temporal's `TaskQueueType` of workflow tasks; its protobuf package isn't one that we depend on. */
const WORKFLOW_TASKS = 1;
/** Its `WorkerVersioningMode` of workers that have a version: the others name a build, too. */
const VERSIONED = 2;

/** A worker that polls our task queue. */
export interface PollingWorker {
  /** `pid@host`. */
  readonly identity: string;
  /** Null without Worker Versioning. */
  readonly buildId: string | null;
  /** Whether its build is the one that gets tasks. */
  readonly isCurrent: boolean;
}

/** Who has polled our task queue in the last minutes. */
export async function listWorkers({
  workflowService,
  options,
}: Client): Promise<readonly PollingWorker[]> {
  const { pollers, versioningInfo } = await workflowService.describeTaskQueue({
    namespace: options.namespace,
    taskQueue: { name: TASK_QUEUE },
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- see above
    taskQueueType: WORKFLOW_TASKS,
  });
  // Null: those without a version get the tasks.
  const current = versioningInfo?.currentDeploymentVersion?.buildId ?? null;
  const workers = pollers.map(({ identity, deploymentOptions }): PollingWorker => {
    const isVersioned = Number(deploymentOptions?.workerVersioningMode) === VERSIONED;
    const buildId = isVersioned ? (deploymentOptions?.buildId ?? '') : null;
    return { identity: identity ?? '', buildId, isCurrent: buildId === current };
  });
  return [...new Map(workers.map((worker) => [worker.identity, worker])).values()];
}
