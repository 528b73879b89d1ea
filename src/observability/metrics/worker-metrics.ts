import { observeDatabasePool, type PoolState } from './database-pool.ts';
import { observeProcess } from './process-metrics.ts';
import { createRegistry, type Registry } from './registry.ts';

/** What a worker process counts; the SDK's own metrics stand beside it. */
export interface WorkerMetrics extends Pick<Registry, 'render' | 'close'> {
  /** Tenants whose month end came to something in this process. */
  tenantOutcomes(outcome: string, tenants: number): void;
  watchDatabasePool(maxConnections: number, read: () => PoolState): void;
}

/** Names, labels and their meaning: `docs/metrics.md`, which a test compares with this. */
export function createWorkerMetrics(): WorkerMetrics {
  const { meter, render, close } = createRegistry();
  const outcomes = meter.createCounter('month_end_tenant_outcomes', {
    description: 'Tenants whose month end this process brought to an outcome, by outcome.',
  });
  observeProcess(meter);
  return {
    tenantOutcomes(outcome, tenants) {
      outcomes.add(tenants, { outcome });
    },
    watchDatabasePool(maxConnections, read) {
      observeDatabasePool(meter, maxConnections, read);
    },
    render,
    close,
  };
}
