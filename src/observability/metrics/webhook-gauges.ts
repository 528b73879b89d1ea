import type { Meter } from '@opentelemetry/api';

/** How receivers stand. */
export interface WebhookGauges {
  readonly endpoints: readonly EndpointGauges[];
  /** Disabled, because they have answered that they are gone for good. */
  readonly goneEndpoints: number;
}

/** How a live receiver stands. */
export interface EndpointGauges {
  readonly endpointId: string;
  readonly pending: number;
  readonly oldestPendingSeconds: number;
  readonly overdueSeconds: number;
  readonly dead: number;
  readonly deliveredAttempts: number;
  readonly failedAttempts: number;
}

/** How long what was read is good enough: whoever scrapes, however often, asks the database once. */
const FRESH_MS = 10_000;

/**
 * How webhooks stand, as the database knows it, so that any process can tell. Where it can't be read,
 * the metrics are without it.
 */
export function observeWebhooks(meter: Meter, read: () => Promise<WebhookGauges>): void {
  const gauge = (name: string, description: string) =>
    meter.createObservableGauge(name, { description });
  const pending = gauge('webhook_pending_deliveries', 'Events that are still to be delivered.');
  const dead = gauge('webhook_dead_deliveries', 'Events that were given up.');
  const oldest = gauge(
    'webhook_oldest_pending_seconds',
    'Age of the oldest event that is still to be delivered; 0: none is.',
  );
  const overdue = gauge(
    'webhook_overdue_seconds',
    'For how long an attempt has been due that nobody has made; 0: none is.',
  );
  const gone = gauge(
    'webhook_gone_endpoints',
    'Receivers that have answered 410 and were disabled for it.',
  );
  const attempts = meter.createObservableCounter('webhook_attempts', {
    description: 'Attempts to deliver events, by outcome.',
  });
  const readFresh = remembering(read);
  meter.addBatchObservableCallback(
    async (result) => {
      const gauges = await readFresh().catch(() => null);
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

function remembering<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | null = null;
  return () => {
    if (last === null || Date.now() - last.at > FRESH_MS) last = { at: Date.now(), value: read() };
    return last.value;
  };
}
