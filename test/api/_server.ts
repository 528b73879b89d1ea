import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { pino } from 'pino';
import { startApi, type ApiOptions, type RunningApi } from '../../src/api/api-server.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { API_CONFIG } from '../_util/api-config.ts';
import { createTestDatabase } from '../_util/database.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';

/** The running API, on its own port and database. */
export interface TestServer extends AsyncDisposable {
  readonly api: RunningApi;
  /** A separate pool, not the API's. */
  readonly db: Database;
  readonly appUrl: string;
  readonly superuserUrl: string;
  readonly keys: Record<'gateway' | 'metering' | 'operator', string>;
  /** The number of requests without a complete answer. */
  openResponses(): number;
  /** The number of open connections that have had a request. */
  openSockets(): number;
  /** The size of answers waiting in memory to be sent. */
  bytesToSend(): number;
  /** Ends the API's database sessions and prevents new ones. Call it once. */
  cutDatabase(): Promise<void>;
}

export async function startTestServer(
  options: Partial<Omit<ApiOptions, 'config'>> & {
    readonly config?: Partial<ApiOptions['config']>;
  } = {},
): Promise<TestServer> {
  const testDatabase = await createTestDatabase();
  const open = (applicationName: string) =>
    openDatabase({ url: testDatabase.appUrl, maxConnections: 5, applicationName });
  const db = await open('test-server');
  const apiDb = await open('test-api-server');
  await seedCatalogue(db);
  await seedTenant(db, 'acme');
  await seedTenant(db, 'zeta');
  const keyOf = async (scope: 'gateway' | 'metering' | 'operator') =>
    (await createKey(db, { label: scope, scope })).plainKey;
  const keys = {
    gateway: await keyOf('gateway'),
    metering: await keyOf('metering'),
    operator: await keyOf('operator'),
  };

  const responses = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  const onRequest = (message: unknown): void => {
    const { response, socket, server } = message as {
      response: ServerResponse;
      socket: Socket;
      server: { address(): unknown };
    };
    const address = server.address() as { port: number } | null;
    if (address === null || !api.url.endsWith(`:${address.port}`)) return;
    responses.add(response);
    response.once('close', () => responses.delete(response));
    if (sockets.has(socket)) return;
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      // A request that is still waiting for its turn never gets its own event.
      for (const waiting of responses) if (waiting.req.socket === socket) responses.delete(waiting);
    });
  };
  subscribe('http.server.request.start', onRequest);
  const api = await startApi({
    monthEnd: null,
    watchdog: null,
    logger: pino({ level: 'silent' }),
    metrics: createMetrics(),
    now: () => new Date(),
    host: '127.0.0.1',
    port: 0,
    ...options,
    db: apiDb,
    config: { ...API_CONFIG, ...options.config },
  });

  return {
    api,
    db,
    keys,
    appUrl: testDatabase.appUrl,
    superuserUrl: testDatabase.superuserUrl,
    openResponses: () => responses.size,
    openSockets: () => sockets.size,
    bytesToSend: () => [...responses].reduce((sum, { writableLength }) => sum + writableLength, 0),
    cutDatabase: () => apiDb.end(),
    async [Symbol.asyncDispose]() {
      unsubscribe('http.server.request.start', onRequest);
      await api.close();
      if (apiDb.state().state === 'ACTIVE') await apiDb.end();
      await db.end();
      await testDatabase.drop();
    },
  };
}
