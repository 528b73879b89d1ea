import { connect, createServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { startApi, type RunningApi } from '../../src/api/api-server.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { startPostgresProxy, type PostgresProxy } from '../faults/postgres-proxy.ts';
import { countEvents } from '../ingestion/_ledger.ts';
import { createTestDatabase } from '../_util/database.ts';
import { lockTable, untilLockIsWaitedFor } from '../_util/locks.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { llmEvent } from './_harness.ts';
import { API_CONFIG } from '../_util/api-config.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Running {
  readonly api: RunningApi;
  readonly db: Database;
  readonly superuserUrl: string;
  readonly log: readonly string[];
  readonly post: (event: unknown) => Promise<Response>;
}

/**
 * @param reach how the API gets to the database
 * @param drainMs how long `close` waits for requests under way
 */
async function start(
  reach: (url: string) => Promise<string> = (url) => Promise.resolve(url),
  drainMs = 10_000,
): Promise<Running> {
  const testDatabase = await createTestDatabase();
  cleanups.push(() => testDatabase.drop());
  const open = async (url: string) => {
    const db = await openDatabase({ url, maxConnections: 5, applicationName: 'test-server' });
    cleanups.push(() => db.end());
    return db;
  };
  const db = await open(testDatabase.appUrl);
  await seedCatalogue(db);
  await seedTenant(db, 'acme');
  const { plainKey } = await createKey(db, { label: 'gateway', scope: 'gateway' });
  const log: string[] = [];
  const api = await startApi({
    db: await open(await reach(testDatabase.apiUrl)),
    monthEnd: null,
    watchdog: null,
    logger: pino({ level: 'debug' }, { write: (line) => void log.push(line) }),
    metrics: createMetrics(),
    config: API_CONFIG,
    now: () => new Date(),
    host: '127.0.0.1',
    port: 0,
    timeouts: { drainMs },
  });
  cleanups.push(() => api.close());
  const post = (event: unknown) =>
    fetch(`${api.url}/api/v1/integrations/llm-usage`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${plainKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(event),
    });
  return { api, db, superuserUrl: testDatabase.superuserUrl, log, post };
}

/** A proxy to the database that can be cut and restored. */
async function startProxy(databaseUrl: string) {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((socket) => {
    if (isCut) {
      socket.destroy();
      return;
    }
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  const url = new URL(databaseUrl);
  url.port = String(typeof address === 'object' ? address?.port : '');
  return {
    url: url.href,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    restore() {
      isCut = false;
    },
  };
}

test('close finishes accepted requests and accepts no more', async () => {
  const { api, db, superuserUrl, post } = await start();
  await using lock = await lockTable(superuserUrl, 'usage_buckets');
  const taken = post(llmEvent());
  await untilLockIsWaitedFor(superuserUrl);
  const closing = api.close();
  await expect(post(llmEvent())).rejects.toThrow('fetch failed');
  await lock.release();
  expect((await taken).status).toBe(201);
  await closing;
  expect(await countEvents(db)).toBe(1);
});

test('answers 503 with Retry-After while the database is unreachable, then recovers', async () => {
  let proxy: Awaited<ReturnType<typeof startProxy>> | undefined;
  const { api, db, post } = await start(async (url) => {
    proxy = await startProxy(url);
    return proxy.url;
  });
  const event = llmEvent();
  expect((await post(llmEvent())).status).toBe(201);
  proxy?.cut();
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const response = await post(event);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toMatchObject({
      type: 'urn:arcadia:problem:database-unavailable',
    });
  }
  const readiness = await fetch(`${api.url}/readyz`);
  expect(readiness.status).toBe(503);
  expect(await readiness.json()).toMatchObject({ database: { ok: false } });
  expect((await fetch(`${api.url}/healthz`)).status).toBe(200);

  proxy?.restore();
  await until(
    async () => (await post(event)).status,
    (status) => status === 201 || status === 200,
  );
  expect(await countEvents(db)).toBe(2);
});

test('close does not wait for a commit that hangs', async () => {
  let proxy: PostgresProxy | undefined;
  const { api, db, post } = await start(async (databaseUrl) => {
    const url = new URL(databaseUrl);
    proxy = await startPostgresProxy(Number(url.port));
    url.port = String(proxy.port);
    return url.href;
  }, 300);
  const trap = proxy?.holdAt('before COMMIT', 1);
  const lost = post(llmEvent());
  const held = await trap?.caught;
  await Promise.all([expect(lost).rejects.toThrow('fetch failed'), api.close()]);
  held?.cut();
  await proxy?.close();
  expect(await countEvents(db)).toBe(0);
});

test('the log contains neither bodies nor keys', async () => {
  const { log, post } = await start();
  await post(llmEvent({ model: 'secret-model', charge_cents: 'oops' }));
  const text = log.join('');
  expect(text).toContain('"path":"/api/v1/integrations/llm-usage"');
  expect(text).not.toMatch(/secret-model|arc_gateway|Bearer/);
});

test("a server error is 500 and is logged without the request's data", async () => {
  const { superuserUrl, log, post } = await start();
  await asSuperuser(superuserUrl, (client) =>
    client.query('ALTER TABLE llm_usage_events ADD CHECK (model <> $$secret-model$$)'),
  );

  const response = await post(llmEvent({ model: 'secret-model' }));
  expect(response.status).toBe(500);
  expect(await response.text()).not.toMatch(/llm_usage_events|constraint|\.ts/);
  expect(log.join('')).toMatch(/llm_usage_events_model_check/);
  expect(log.join('')).not.toMatch(/secret-model/);
});

test('each request is logged with its status and key', async () => {
  const { api, log, post } = await start();
  expect((await post(llmEvent({ charge_cents: 'a lot' }))).status).toBe(422);
  expect((await fetch(`${api.url}/api/v1/invoices`)).status).toBe(401);
  const readEnded = () =>
    log
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'request completed');
  const ended = await until(
    () => Promise.resolve(readEnded()),
    ({ length }) => length === 2,
  );
  expect(ended).toEqual([
    expect.objectContaining({
      res: { status: 422 },
      key: { keyId: expect.any(String) as string, scope: 'gateway', label: 'gateway' },
    }),
    expect.objectContaining({ res: { status: 401 } }),
  ]);
  expect(ended[1]).not.toHaveProperty('key');
});
