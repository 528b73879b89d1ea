import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import {
  createRegistry,
  observeDatabasePool,
  observeProcess,
  type PoolState,
  type Registry,
} from './process-metrics.ts';

/** The metrics of a worker process, without those of the Temporal SDK. */
export interface WorkerMetrics extends Pick<Registry, 'render' | 'close'> {
  /** Counts tenants by the outcome that this process brought about. */
  tenantOutcomes(outcome: string, tenants: number): void;
  watchDatabasePool(maxConnections: number, read: () => PoolState): void;
}

/** `docs/metrics.md` describes names and labels. A test compares it with this code. */
export function createWorkerMetrics(): WorkerMetrics {
  const { meter, render, close } = createRegistry();
  const outcomes = meter.createCounter('month_end_tenant_outcomes', {
    description: 'Tenants whose month end this process completed, by outcome.',
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

const HOST = '127.0.0.1';
/** Short, because this process itself answers. */
const READ_TIMEOUT_MS = 2_000;

/** The metrics that the SDK's native core serves, to this machine only. */
export interface SdkMetrics {
  /** The address for the runtime's Prometheus exporter. */
  readonly bindAddress: string;
  /** Returns them in the Prometheus text format; empty while there is no runtime. */
  render(): Promise<string>;
}

/** Finds a free port, because the core doesn't report which one it chose. */
export async function findSdkMetricsPort(): Promise<SdkMetrics> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const bindAddress = `${HOST}:${port}`;
  return {
    bindAddress,
    async render() {
      try {
        const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
        const response = await fetch(`http://${bindAddress}/metrics`, { signal });
        return await response.text();
      } catch {
        // Our own metrics are useful without the SDK's, and their absence is visible.
        return '';
      }
    },
  };
}
