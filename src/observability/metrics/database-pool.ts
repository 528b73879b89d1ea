import type { Meter } from '@opentelemetry/api';

/** How a pool of connections stands. */
export interface PoolState {
  readonly acquiredConnections: number;
  readonly idleConnections: number;
  readonly waitingClients: number;
}

/**
 * The pool of connections to PostgreSQL, read whenever the metrics are read.
 * @param maxConnections as configured
 */
export function observeDatabasePool(
  meter: Meter,
  maxConnections: number,
  read: () => PoolState,
): void {
  const connections = meter.createObservableGauge('database_pool_connections', {
    description: 'Connections to PostgreSQL, by state: in use, or idle.',
  });
  const most = meter.createObservableGauge('database_pool_max_connections', {
    description: 'Connections that the pool may have.',
  });
  const waiting = meter.createObservableGauge('database_pool_waiting_clients', {
    description: 'Transactions and queries that wait for a connection.',
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
