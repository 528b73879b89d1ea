import type { Database } from '../db/pool.ts';
import { findDeployments, type Deployment } from '../db/usage/usage-ledger.ts';

/** Enough for the deployments that are active at one time; about 20 MB. */
const MAX_CACHED = 100_000;

export type FindDeployments = (
  deploymentIds: Iterable<string>,
) => Promise<ReadonlyMap<string, Deployment>>;

/**
 * Looks deployments up. Found ones are remembered, since they never change; one that wasn't found
 * may be created at any time.
 */
export function createDeploymentDirectory(db: Database): FindDeployments {
  const cache = new Map<string, Deployment>();

  function remember(deployment: Deployment): void {
    const [oldest] = cache.size >= MAX_CACHED ? cache.keys() : [];
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(deployment.deploymentId, deployment);
  }

  return async (deploymentIds) => {
    const found = new Map<string, Deployment>();
    const unknown: string[] = [];
    for (const id of new Set(deploymentIds)) {
      const deployment = cache.get(id);
      if (deployment) found.set(id, deployment);
      else unknown.push(id);
    }
    if (unknown.length === 0) return found;
    for (const deployment of await findDeployments(db, unknown)) {
      remember(deployment);
      found.set(deployment.deploymentId, deployment);
    }
    return found;
  };
}
