import type { Attributes } from '@opentelemetry/api';
import { observeMonthEnd, type MonthEndGauges } from './month-end-gauges.ts';
import {
  createRegistry,
  observeDatabasePool,
  observeProcess,
  type PoolState,
} from './process-metrics.ts';
import { observeQuarantine, type QuarantineGauge } from './quarantine-gauges.ts';
import { observeWebhooks, type WebhookGauges } from './webhook-gauges.ts';

/** Seconds: from a healthy request to one that waited for a statement timeout. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The metrics of an API process. */
export interface Metrics {
  /** @param request `route` is the route's pattern. A path would make a series for each id. */
  httpRequest(
    request: { method: string; route: string; status: number },
    durationSeconds: number,
  ): void;
  usageEvents(source: string, status: string, events: number): void;
  /** @param status `recorded`, `unchanged` or `rejected` */
  controlTotals(status: string, totals: number): void;
  /** @param result what became of them, such as `accepted`, `cache_hits` or `unknown_tenant` */
  litellmEvents(result: string, events: number): void;
  /** Records a group of events that was committed or failed. */
  usageCommit(source: string, durationSeconds: number): void;
  /** Counts a submission that was refused because the queue was full. */
  usageOverload(source: string): void;
  /** Registers the number of waiting events. Like all watched values, it is queried when the metrics are read. */
  watchIngestionQueue(depth: (source: 'llm' | 'metered') => number, maxEvents?: number): void;
  /** Registers the watchdog's findings; null before its first check. */
  watchMonthEnd(read: () => MonthEndGauges | null): void;
  /** Registers the state of webhook deliveries. */
  watchWebhooks(read: () => Promise<WebhookGauges>): void;
  /** Registers the events that are held in quarantine. */
  watchQuarantine(read: () => Promise<readonly QuarantineGauge[]>): void;
  watchDatabasePool(maxConnections: number, read: () => PoolState): void;
  /** Returns all metrics in the Prometheus text format. */
  render(): Promise<string>;
  close(): Promise<void>;
}

/** `docs/metrics.md` describes names and labels. A test compares it with this code. */
export function createMetrics(): Metrics {
  const { meter, render, close } = createRegistry();
  const advice = { explicitBucketBoundaries: DURATION_BUCKETS };
  const duration = meter.createHistogram('http_server_request_duration_seconds', {
    description: 'Time to answer a request, in seconds, by method, route and status.',
    advice,
  });
  const events = meter.createCounter('usage_events', {
    description: 'Usage events answered, by source and result.',
  });
  const totals = meter.createCounter('control_totals', {
    description: 'Control totals answered, by result.',
  });
  const litellm = meter.createCounter('litellm_events', {
    description: 'Events of LiteLLM answered, by result.',
  });
  const commits = meter.createHistogram('ingestion_commit_duration_seconds', {
    description: 'Time to commit a group of usage events, in seconds, by source.',
    advice,
  });
  const overloads = meter.createCounter('ingestion_overloads', {
    description: 'Submissions of usage refused because the queue was full, by source.',
  });
  const queue = meter.createObservableGauge('ingestion_queue_events', {
    description: 'Usage events waiting for their commit.',
  });
  const queueLimit = meter.createObservableGauge('ingestion_queue_max_events', {
    description: 'Maximum number of usage events waiting for their commit.',
  });
  observeProcess(meter);

  return {
    httpRequest({ method, route, status }, durationSeconds) {
      const attributes: Attributes = { method, route, status };
      duration.record(durationSeconds, attributes);
    },
    usageEvents(source, status, count) {
      events.add(count, { source, status });
    },
    controlTotals(status, count) {
      totals.add(count, { status });
    },
    litellmEvents(result, count) {
      litellm.add(count, { result });
    },
    usageCommit(source, durationSeconds) {
      commits.record(durationSeconds, { source });
    },
    usageOverload(source) {
      overloads.add(1, { source });
    },
    watchIngestionQueue(depth, maxEvents) {
      queue.addCallback((result) => {
        result.observe(depth('llm'), { source: 'llm' });
        result.observe(depth('metered'), { source: 'metered' });
      });
      queueLimit.addCallback((result) => {
        if (maxEvents !== undefined) result.observe(maxEvents);
      });
    },
    watchMonthEnd(read) {
      observeMonthEnd(meter, read);
    },
    watchWebhooks(read) {
      observeWebhooks(meter, read);
    },
    watchQuarantine(read) {
      observeQuarantine(meter, read);
    },
    watchDatabasePool(maxConnections, read) {
      observeDatabasePool(meter, maxConnections, read);
    },
    render,
    close,
  };
}
