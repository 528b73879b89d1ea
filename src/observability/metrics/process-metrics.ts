import { performance } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

/** The metrics that every process has: its use of the machine, and of the database pool. */

/** Holds a process's metrics until Prometheus reads them. */
export interface Registry {
  readonly meter: Meter;
  /** Returns all metrics in the Prometheus text format. */
  readonly render: () => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Without prefix, timestamps and resource labels, and without target and scope, which Prometheus's job identifies. */
const serializer = new PrometheusSerializer('', false, undefined, true, true);

export function createRegistry(): Registry {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  return {
    meter: provider.getMeter('arcadia-invoicing'),
    async render() {
      const { resourceMetrics } = await exporter.collect();
      return serializer.serialize(resourceMetrics);
    },
    close: () => provider.shutdown(),
  };
}

/** Registers the process's own use of CPU, memory and event loop. Measured when the metrics are read. */
export function observeProcess(meter: Meter): void {
  meter
    .createObservableCounter('process_cpu_seconds_total', {
      description: 'CPU time used by the process, in seconds.',
    })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe((user + system) / 1e6);
    });
  meter
    .createObservableGauge('process_resident_memory_bytes', {
      description: 'Resident memory of the process, in bytes.',
    })
    .addCallback((result) => {
      result.observe(process.memoryUsage.rss());
    });
  let before = performance.eventLoopUtilization();
  meter
    .createObservableGauge('nodejs_eventloop_utilization_ratio', {
      description: 'How busy the main thread was since the last reading, from 0 to 1.',
    })
    .addCallback((result) => {
      const { utilization } = performance.eventLoopUtilization(before);
      before = performance.eventLoopUtilization();
      result.observe(Number.isFinite(utilization) ? utilization : 0);
    });
}

/** The state of a connection pool. */
export interface PoolState {
  readonly acquiredConnections: number;
  readonly idleConnections: number;
  readonly waitingClients: number;
}

/** Registers the state of the pool of connections to PostgreSQL. It is queried when the metrics are read. */
export function observeDatabasePool(
  meter: Meter,
  maxConnections: number,
  read: () => PoolState,
): void {
  const connections = meter.createObservableGauge('database_pool_connections', {
    description: 'Connections to PostgreSQL, by state: in use, or idle.',
  });
  const most = meter.createObservableGauge('database_pool_max_connections', {
    description: 'Maximum number of connections in the pool.',
  });
  const waiting = meter.createObservableGauge('database_pool_waiting_clients', {
    description: 'Transactions and queries waiting for a connection.',
  });
  meter.addBatchObservableCallback(
    (result) => {
      const { acquiredConnections, idleConnections, waitingClients } = read();
      result.observe(connections, acquiredConnections, { state: 'in_use' });
      result.observe(connections, idleConnections, { state: 'idle' });
      result.observe(most, maxConnections);
      result.observe(waiting, waitingClients);
    },
    [connections, most, waiting],
  );
}
