import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { createActivities } from './activities/create-activities.ts';
import { toGauges } from './audit/watchdog-gauges.ts';
import { lookAround } from './audit/watchdog-report.ts';
import { startWatchdog } from './audit/watchdog.ts';
import { createMonthEndPort } from './api/http/month-end-port.ts';
import { startApi } from './api/api-server.ts';
import { toTimeouts } from './api/http/client-waits.ts';
import type { Config } from './config.ts';
import { toTimeBounds } from './ingestion/time-bounds.ts';
import { connectWithin, type ConnectWithinOptions } from './lib/connect-within.ts';
import { type Database, databaseServer } from './db/pool.ts';
import type { Logger } from './lib/logger.ts';
import { createMetrics } from './observability/metrics/api-metrics.ts';
import { serveMetrics } from './observability/metrics/serve-metrics.ts';
import { createWorkerMetrics, findSdkMetricsPort } from './observability/metrics/worker-metrics.ts';
import { createTemporalLinks } from './temporal/temporal-links.ts';
import { temporalServer, type TemporalClient, type TemporalTarget } from './temporal/connection.ts';
import { observeActivities } from './observability/observe-activities.ts';
import { readMonthRuns } from './temporal/month-runs.ts';
import { listWorkers } from './temporal/worker-versions.ts';
import { readSchedule } from './temporal/schedule-facts.ts';
import { SearchAttributesError, registerSearchAttributes } from './temporal/search-attributes.ts';
import { temporalServerForWorker } from './temporal/worker-connection.ts';
import { readQuarantineGauges } from './db/usage/quarantine-views.ts';
import { listDueEndpoints, readWebhookGauges } from './db/webhooks/webhook-deliveries.ts';
import { startDelivery } from './temporal/start-delivery.ts';
import type { TracingSettings } from './observability/tracing/tracing-settings.ts';
import type { Tracing } from './observability/tracing/tracing.ts';
import { startWaker } from './webhooks/waker.ts';
import { FORCE_AFTER_GRACE_SECONDS, createWorkers, type WorkerOptions } from './worker.ts';

/** Interval at which a worker polls for due webhooks, with one short query. */
const WAKE_EVERY_MS = 5_000;
/** The API's time limit for its last requests and commits. */
const API_GRACE_SECONDS = 12;
/** Time limit for closing connections; a pool waits 5 s for running queries. */
const CLOSE_SECONDS = 10;

export type EnginePart = 'api' | 'worker';

export interface EngineOptions {
  readonly config: Config;
  readonly temporal: TemporalTarget;
  readonly logger: Logger;
  readonly parts: readonly EnginePart[];
  /** Database URLs if both parts run in one process with separate roles; default: the configured URL. */
  readonly databaseUrls?: Readonly<Record<EnginePart, string>>;
  /** By default the worker bundles the workflow code at startup. */
  readonly workflowBundle?: WorkerOptions['workflowBundle'];
  /** Stops waiting for servers. */
  readonly signal?: AbortSignal;
}

interface PartOptions extends EngineOptions {
  /** Null: tracing is off. */
  readonly tracing: Tracing | null;
}

export interface Engine {
  /** Null without the API. */
  readonly apiUrl: string | null;
  readonly temporal: TemporalClient;
  /** Rejects when the worker fails. */
  readonly failure: Promise<never>;
  /**
   * The API stops accepting requests, then the worker finishes its current work, both within their
   * grace times; then connections are closed. Hanging work leaves handles behind, so end the
   * process afterwards.
   * @throws StopTimeoutError if something has not ended after all time limits
   */
  stop(): Promise<void>;
}

/** Stopping took longer than all parts together are allowed. */
export class StopTimeoutError extends Error {
  override readonly name = 'StopTimeoutError';
}

/**
 * Starts the API, the worker or both in this process. Call it once per process.
 * @throws UnreachableError if PostgreSQL or Temporal isn't reachable in time
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { config, logger, parts, signal } = options;
  const patience = {
    timeoutSeconds: config.startTimeoutSeconds,
    onFailure: (message: string) => {
      logger.warn(message);
    },
    signal,
  };
  // Everything started is stopped in reverse order, also if a later step fails.
  await using stack = new AsyncDisposableStack();
  const tracing = config.tracing && (await startTracing(stack, options, config.tracing));
  const temporal = await connectWithin(
    temporalServer(options.temporal, tracing ? [tracing.client] : []),
    patience,
  );
  stack.defer(() => temporal.connection.close());
  const worker = parts.includes('worker')
    ? await startWorker(stack, { ...options, tracing }, patience, temporal)
    : null;
  const apiUrl = parts.includes('api')
    ? await serveApi(stack, { ...options, tracing }, patience, temporal)
    : null;

  const started = stack.move();
  return {
    apiUrl,
    temporal,
    failure: worker?.failure ?? forever(),
    stop: () => Promise.race([started.disposeAsync(), giveUpStopping(options)]),
  };
}

async function giveUpStopping({ parts, config }: EngineOptions): Promise<never> {
  const seconds =
    (parts.includes('api') ? API_GRACE_SECONDS : 0) +
    (parts.includes('worker')
      ? config.worker.shutdownGraceSeconds + FORCE_AFTER_GRACE_SECONDS
      : 0) +
    CLOSE_SECONDS;
  await sleep(seconds * 1000, undefined, { ref: false });
  throw new StopTimeoutError(
    `not stopped within ${seconds} s: other processes take over the unfinished work`,
  );
}

/** Loaded on demand, so it costs nothing when tracing is off. */
async function startTracing(
  stack: AsyncDisposableStack,
  { logger, parts }: EngineOptions,
  settings: TracingSettings,
): Promise<Tracing> {
  const { startTracing: start } = await import('./observability/tracing/tracing.ts');
  const [only] = parts;
  const serviceName = parts.length === 1 ? `arcadia-${only}` : 'arcadia-invoicing';
  const tracing = start(settings, { logger, serviceName });
  stack.defer(() => tracing.stop());
  return tracing;
}

async function startWorker(
  stack: AsyncDisposableStack,
  options: PartOptions,
  patience: ConnectWithinOptions,
  { client, connection: clientConnection, namespace }: TemporalClient,
): Promise<{ readonly failure: Promise<never> }> {
  const { config, temporal: target, logger, workflowBundle, tracing } = options;
  await ensureSearchAttributes(clientConnection, namespace, logger);
  const db = await openPool(stack, options, config.worker.maxConnections, 'worker', patience);
  const metrics = createWorkerMetrics();
  stack.defer(() => metrics.close());
  metrics.watchDatabasePool(config.worker.maxConnections, () => db.state());
  const sdkMetrics = config.worker.metrics === null ? null : await findSdkMetricsPort();
  const connection = await connectWithin(
    temporalServerForWorker(target, logger, sdkMetrics),
    patience,
  );
  stack.defer(() => connection.close());
  const workers = await createWorkers({
    connection,
    namespace,
    config: config.worker,
    activities: createActivities({
      db,
      client,
      logger,
      now: () => new Date(),
      bounds: config.worker.bounds,
      controlTotals: config.controlTotals,
      reviewReminderDays: config.watchdog.reviewReminderDays,
      timeBounds: toTimeBounds(config.api.usage),
      webhooks: {
        masterSecrets: config.api.signingMasterSecrets,
        allowsAddress: config.webhooks.allowsAddress,
      },
    }),
    activityInterceptors: [
      ...(tracing ? [tracing.activities] : []),
      observeActivities({
        logger,
        onOutcomes: (outcome, tenants) => metrics.tenantOutcomes(outcome, tenants),
      }),
    ],
    ...(tracing && { sinks: tracing.workflows }),
    ...(workflowBundle && { workflowBundle }),
  });
  if (config.worker.metrics !== null) {
    const served = await serveMetrics({
      ...config.worker.metrics,
      render: async () => (await metrics.render()) + ((await sdkMetrics?.render()) ?? ''),
    });
    stack.defer(() => served.close());
    logger.info({ url: served.url }, 'metrics served');
  }
  const run = workers.run();
  const waker = startWaker({
    listDue: () => listDueEndpoints(db),
    start: (endpoint) => startDelivery(client, endpoint),
    intervalMs: WAKE_EVERY_MS,
    logger,
  });
  stack.defer(async () => {
    workers.shutdown();
    await Promise.all([run.catch(() => undefined), waker.stop()]);
  });
  logger.info({ namespace, address: target.address }, 'worker started');
  const failure = run.then(forever);
  // Prevents an unhandled rejection if nobody awaits it.
  failure.catch(() => undefined);
  return { failure };
}

/** Registers the search attributes. Failure is only logged, because they may have been registered by other means. */
async function ensureSearchAttributes(
  connection: Connection,
  namespace: string,
  logger: Logger,
): Promise<void> {
  try {
    await registerSearchAttributes(connection, namespace);
  } catch (error) {
    if (!(error instanceof SearchAttributesError)) throw error;
    logger.warn(error.message);
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}

async function serveApi(
  stack: AsyncDisposableStack,
  options: PartOptions,
  patience: ConnectWithinOptions,
  { client, namespace }: TemporalClient,
): Promise<string> {
  const { config, logger, tracing } = options;
  const db = await openPool(stack, options, config.api.maxConnections, 'api', patience);
  const metrics = createMetrics();
  stack.defer(() => metrics.close());
  const now = () => new Date();
  const watchdog = startWatchdog({
    look: () =>
      lookAround({
        db,
        readSchedule: () => readSchedule(client),
        listWorkers: () => listWorkers(client),
        readRuns: (months) => readMonthRuns(client, months),
        limits: config.watchdog,
        now,
      }),
    intervalSeconds: config.watchdog.intervalSeconds,
    logger,
  });
  stack.defer(() => watchdog.stop());
  metrics.watchWebhooks(() => readWebhookGauges(db));
  metrics.watchQuarantine(() => readQuarantineGauges(db));
  metrics.watchMonthEnd(() => toGauges(watchdog.latest()));
  metrics.watchDatabasePool(config.api.maxConnections, () => db.state());
  const { host, port, temporalUiUrl } = config.api;
  const api = await startApi({
    db,
    monthEnd: createMonthEndPort(client),
    watchdog,
    temporalLinks: temporalUiUrl === null ? null : createTemporalLinks(temporalUiUrl, namespace),
    logger,
    metrics,
    host,
    port,
    config: config.api,
    ingestionLimits: config.api.ingestion,
    timeouts: toTimeouts(config.api.clientTimeoutSeconds),
    allowsAddress: config.webhooks.allowsAddress,
    traceRequests: tracing?.requests,
    bounds: config.worker.bounds,
    controlTotals: config.controlTotals,
    now,
  });
  stack.defer(() => api.close());
  logger.info({ url: api.url }, 'API started');
  return api.url;
}

async function openPool(
  stack: AsyncDisposableStack,
  { config, databaseUrls, tracing }: PartOptions,
  maxConnections: number,
  part: EnginePart,
  patience: ConnectWithinOptions,
): Promise<Database> {
  const applicationName = `arcadia-${part}`;
  const server = databaseServer({
    url: databaseUrls?.[part] ?? config.databaseUrl,
    maxConnections,
    applicationName,
    statementTimeoutMs: config.statementTimeoutSeconds * 1000,
    ...(tracing && { watchStatements: tracing.statements }),
  });
  const db = await connectWithin(server, patience);
  stack.defer(() => db.end());
  return db;
}
