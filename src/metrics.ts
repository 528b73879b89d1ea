import type { Attributes, Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { WatchdogGauges } from './audit/watchdog-gauges.ts';
import type { WebhookGauges } from './db/webhook-deliveries.ts';
import { observeWebhooks } from './webhook-metrics.ts';

/** From a healthy request to one that waited for a statement timeout, in seconds. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What a process counts, and how Prometheus reads it. */
export interface Metrics {
  /** @param request route is the route's pattern, never a path: ids would make endless series */
  httpRequest(
    request: { method: string; route: string; status: number },
    durationSeconds: number,
  ): void;
  usageEvents(source: string, status: string, events: number): void;
  /** Reads how many events wait, whenever the metrics are read. */
  watchIngestionQueue(depth: (source: 'llm' | 'metered') => number): void;
  /** Reads what the watchdog has found, whenever the metrics are read; null: nothing yet. */
  watchMonthEnd(read: () => WatchdogGauges | null): void;
  /** Reads how webhooks stand, when the metrics are read. */
  watchWebhooks(read: () => Promise<readonly WebhookGauges[]>): void;
  /** Everything, in the Prometheus text format. */
  render(): Promise<string>;
  close(): Promise<void>;
}

export function createMetrics(): Metrics {
  const serializer = new PrometheusSerializer();
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const meter = provider.getMeter('arcadia-invoicing');

  const duration = meter.createHistogram('http_server_request_duration', {
    description: 'Time to answer a request, by route and status.',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BUCKETS },
  });
  const events = meter.createCounter('usage_events', {
    description: 'Usage events answered, by source and result.',
  });
  const queue = meter.createObservableGauge('ingestion_queue_events', {
    description: 'Usage events that wait for their commit.',
  });

  return {
    httpRequest({ method, route, status }, durationSeconds) {
      const attributes: Attributes = { method, route, status };
      duration.record(durationSeconds, attributes);
    },
    usageEvents(source, status, count) {
      events.add(count, { source, status });
    },
    watchIngestionQueue(depth) {
      queue.addCallback((result) => {
        result.observe(depth('llm'), { source: 'llm' });
        result.observe(depth('metered'), { source: 'metered' });
      });
    },
    watchMonthEnd(read) {
      observeMonthEnd(meter, read);
    },
    watchWebhooks(read) {
      observeWebhooks(meter, read);
    },
    async render() {
      const { resourceMetrics } = await exporter.collect();
      return serializer.serialize(resourceMetrics);
    },
    close: () => provider.shutdown(),
  };
}

function observeMonthEnd(meter: Meter, read: () => WatchdogGauges | null): void {
  const gauge = (name: string, description: string) =>
    meter.createObservableGauge(name, { description });
  const checkedAt = gauge(
    'watchdog_last_check_timestamp_seconds',
    'When the watchdog looked last, in seconds since 1970.',
  );
  const finding = gauge('watchdog_finding', 'Whether the watchdog finds this to be wrong: 1 or 0.');
  const openRequests = gauge(
    'month_end_open_requests',
    'Requests for months that are not finished.',
  );
  const parked = gauge(
    'month_end_parked_tenants',
    'Due tenants of the last month whose latest outcome is parked.',
  );
  const withoutOutcome = gauge(
    'month_end_tenants_without_outcome',
    'Due tenants of the last month that nobody has looked at.',
  );
  meter.addBatchObservableCallback(
    (result) => {
      const gauges = read();
      if (gauges === null) return;
      result.observe(checkedAt, gauges.lastCheckSeconds);
      for (const { code, value } of gauges.findings) result.observe(finding, value, { code });
      if (gauges.monthEnd === null) return;
      const { month } = gauges.monthEnd;
      result.observe(openRequests, gauges.monthEnd.openRequests);
      result.observe(parked, gauges.monthEnd.parkedTenants, { month });
      result.observe(withoutOutcome, gauges.monthEnd.tenantsWithoutOutcome, { month });
    },
    [checkedAt, finding, openRequests, parked, withoutOutcome],
  );
}
