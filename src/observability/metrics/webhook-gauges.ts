import type { Meter } from '@opentelemetry/api';
import { readFresh } from './read-fresh.ts';

/** The state of all webhook receivers. */
export interface WebhookGauges {
  readonly endpoints: readonly EndpointGauges[];
  /** Endpoints that were disabled because they answered 410 Gone. */
  readonly goneEndpoints: number;
}

/** The state of an active receiver. */
export interface EndpointGauges {
  readonly endpointId: string;
  readonly pending: number;
  readonly oldestPendingSeconds: number;
  readonly overdueSeconds: number;
  readonly dead: number;
  readonly deliveredAttempts: number;
  readonly failedAttempts: number;
}

/**
 * Registers the state of webhook deliveries. It comes from the database, so any process can report it. If the database
 * can't be read, these metrics are absent.
 */
export function observeWebhooks(meter: Meter, read: () => Promise<WebhookGauges>): void {
  const gauge = (name: string, description: string) =>
    meter.createObservableGauge(name, { description });
  const pending = gauge('webhook_pending_deliveries', 'Events that are not delivered yet.');
  const dead = gauge('webhook_dead_deliveries', 'Events that were given up.');
  const oldest = gauge(
    'webhook_oldest_pending_seconds',
    'Age of the oldest event that is not delivered yet; 0: there is none.',
  );
  const overdue = gauge(
    'webhook_overdue_seconds',
    'How long the oldest due attempt has been waiting; 0: none is due.',
  );
  const gone = gauge(
    'webhook_gone_endpoints',
    'Receivers that were disabled because they answered 410.',
  );
  const attempts = meter.createObservableCounter('webhook_attempts', {
    description: 'Attempts to deliver events, by outcome.',
  });
  const fresh = readFresh(read);
  meter.addBatchObservableCallback(
    async (result) => {
      const gauges = await fresh().catch(() => null);
      if (gauges === null) return;
      result.observe(gone, gauges.goneEndpoints);
      for (const endpoint of gauges.endpoints) {
        const attributes = { endpoint: endpoint.endpointId };
        result.observe(pending, endpoint.pending, attributes);
        result.observe(dead, endpoint.dead, attributes);
        result.observe(oldest, endpoint.oldestPendingSeconds, attributes);
        result.observe(overdue, endpoint.overdueSeconds, attributes);
        const { deliveredAttempts, failedAttempts } = endpoint;
        result.observe(attempts, deliveredAttempts, { ...attributes, outcome: 'delivered' });
        result.observe(attempts, failedAttempts, { ...attributes, outcome: 'failed' });
      }
    },
    [pending, dead, oldest, overdue, gone, attempts],
  );
}
