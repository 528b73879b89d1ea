import { startTemporalCluster, wantsCluster } from '../../dev/temporal-cluster.ts';
import { startTemporal, type LocalTemporal, type TemporalOptions } from '../../dev/temporal.ts';

export interface TestTemporalOptions extends TemporalOptions {
  /** The PostgreSQL server where the real server keeps its databases. Default: a separate one. */
  superuserUrl?: string;
  /** Whether a separate PostgreSQL flushes each commit to disk. */
  durable?: boolean;
}

/**
 * Starts the Temporal server that TEST_TEMPORAL names: `dev` (the default), the Temporal CLI's server that keeps
 * everything in memory; or `cluster`, production's server on PostgreSQL. The latter has no Web UI.
 */
export function startTestTemporal(options: TestTemporalOptions): Promise<LocalTemporal> {
  return wantsCluster(process.env) ? startTemporalCluster(options) : startTemporal(options);
}
