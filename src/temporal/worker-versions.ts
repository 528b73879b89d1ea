import { isGrpcServiceError, type Client } from '@temporalio/client';
import { TASK_QUEUE } from '../contracts/ids.ts';

/** Temporal's `TaskQueueType` of workflow tasks; its protobuf package isn't one that we depend on. */
const WORKFLOW_TASKS = 1;
/** Its `WorkerVersioningMode` of workers with a version. Other workers name a build too. */
const VERSIONED = 2;

/** A worker that polls our task queue. */
export interface PollingWorker {
  /** `pid@host`. */
  readonly identity: string;
  /** Null without Worker Versioning. */
  readonly buildId: string | null;
  /** Whether tasks go to its build. */
  readonly isCurrent: boolean;
}

/** Lists the workers that polled our task queue in the last minutes. */
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
  // Null: workers without a version get the tasks.
  const current = versioningInfo?.currentDeploymentVersion?.buildId ?? null;
  const workers = pollers.map(({ identity, deploymentOptions }): PollingWorker => {
    const isVersioned = Number(deploymentOptions?.workerVersioningMode) === VERSIONED;
    const buildId = isVersioned ? (deploymentOptions?.buildId ?? '') : null;
    return { identity: identity ?? '', buildId, isCurrent: buildId === current };
  });
  return [...new Map(workers.map((worker) => [worker.identity, worker])).values()];
}

/** A build of the worker in Temporal's Worker Versioning (ADR 17). */
export interface DeploymentVersion {
  readonly deploymentName: string;
  readonly buildId: string;
}

/** No worker of this version polls: none has started yet, or all have stopped. */
export class NoSuchVersionError extends Error {
  override readonly name = 'NoSuchVersionError';
}

/** gRPC's NOT_FOUND and FAILED_PRECONDITION. */
const UNKNOWN = new Set([5, 9]);

/**
 * Sends all tasks to the workers of this version from now on, including tasks of workflows that another version began.
 * Workers of other versions get no more tasks. Repeating the call changes nothing.
 * @throws NoSuchVersionError
 */
export async function makeCurrent(
  { workflowService, options }: Client,
  { deploymentName, buildId }: DeploymentVersion,
): Promise<void> {
  try {
    await workflowService.setWorkerDeploymentCurrentVersion({
      namespace: options.namespace,
      deploymentName,
      buildId,
      identity: options.identity,
    });
  } catch (error) {
    if (!isGrpcServiceError(error) || !UNKNOWN.has(error.code)) throw error;
    throw new NoSuchVersionError(
      `No worker of build ${buildId} of ${deploymentName} polls yet: ${error.details}`,
      { cause: error },
    );
  }
}
