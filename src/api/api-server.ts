import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { createRenderer } from '../documents/renderer.ts';
import { DEFAULT_LIMITS, createIngestion, type IngestionLimits } from '../ingestion/ingestion.ts';
import { toTimeBounds } from '../ingestion/time-bounds.ts';
import { createApp } from './app.ts';
import { answerClientErrors } from './http/client-errors.ts';
import { guardConnections } from './http/connections.ts';
import type { ApiDeps } from './http/api-deps.ts';
import { MAX_HEADER_BYTES } from './http/request-head.ts';
import { HttpProblem } from './http/problems.ts';
import { DEFAULT_TIMEOUTS } from './http/client-waits.ts';

/** For commits whose senders are gone. If they don't finish, the senders retry them. */
const COMMIT_TIMEOUT_MS = 1_000;
/** How often connections that became idle are closed during shutdown. */
const IDLE_CHECK_MS = 50;

export interface ApiOptions extends Omit<ApiDeps, 'ingestion' | 'documents' | 'stopping'> {
  readonly config: ApiDeps['config'] & Pick<Config['api'], 'maxClients' | 'usage'>;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Limits of the ingestion queues; by default `DEFAULT_LIMITS`. */
  readonly ingestionLimits?: Partial<IngestionLimits>;
}

export interface RunningApi {
  readonly url: string;
  /**
   * Stops accepting requests, and finishes the open ones and their commits within `timeouts.drainMs`. The
   * database and the Temporal client stay open; the caller closes them.
   */
  close(): Promise<void>;
}

/**
 * Starts the API.
 * @throws the listening error, such as `EADDRINUSE`
 */
export async function startApi({
  host,
  port,
  ingestionLimits = {},
  ...options
}: ApiOptions): Promise<RunningApi> {
  const { db, metrics, now, config } = options;
  const ingestion = createIngestion({
    db,
    now,
    limits: ingestionLimits,
    timeBounds: toTimeBounds(config.usage),
    onResults: (source, results) => {
      const byStatus = Map.groupBy(results, ({ status }) => status);
      for (const [status, group] of byStatus) metrics.usageEvents(source, status, group.length);
    },
    onCommit: (source, durationSeconds) => metrics.usageCommit(source, durationSeconds),
    onOverload: (source) => metrics.usageOverload(source),
  });
  metrics.watchIngestionQueue(
    (source) => ingestion.depth(source),
    ingestionLimits.maxQueuedItems ?? DEFAULT_LIMITS.maxQueuedItems,
  );
  const documents = createRenderer();
  const stopping = new AbortController();
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: timeouts.headersMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: timeouts.checkMs,
    // Bodies have their own limits, and streams may take long.
    requestTimeout: 0,
    // Node would answer itself, bypassing the connection guard; see `limitHeaders`.
    requireHostHeader: false,
  });
  // Keep all headers: `limitHeaders` rejects too many, while Node would drop some.
  server.maxHeadersCount = 0;
  server.maxConnections = config.maxClients;
  const app = createApp({
    ...options,
    ingestion,
    documents,
    timeouts,
    stopping: stopping.signal,
  });
  const connections = guardConnections(server, app, timeouts);
  answerClientErrors(server, connections, timeouts.lingerMs);
  await listen(server, host, port);
  return {
    url: urlOf(server, host),
    async close() {
      stopping.abort(new HttpProblem('overloaded', 'the server is shutting down'));
      await drain(server, timeouts.drainMs);
      await documents.close();
      await Promise.race([ingestion.close(), sleep(COMMIT_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

function drain(server: Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Keep-alive connections are closed once their request is answered.
    const idle = setInterval(() => {
      server.closeIdleConnections();
    }, IDLE_CHECK_MS);
    const deadline = setTimeout(() => {
      server.closeAllConnections();
    }, timeoutMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(deadline);
      resolve();
    });
  });
}
