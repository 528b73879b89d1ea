import { isGrpcServiceError, type Client } from '@temporalio/client';

/** A build of the worker, as Temporal's Worker Versioning knows it (ADR 17). */
export interface DeploymentVersion {
  readonly deploymentName: string;
  readonly buildId: string;
}

/** No worker of the version has polled yet, or none does any more. */
export class NoSuchVersionError extends Error {
  override readonly name = 'NoSuchVersionError';
}

/** gRPC's NOT_FOUND and FAILED_PRECONDITION. */
const UNKNOWN = new Set([5, 9]);

/**
 * From now on the workers of this version get all tasks, also those of workflows that another one
 * began; those of other versions get no more. It can be said again.
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
