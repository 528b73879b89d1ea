import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKey } from '../../src/db/access/api-keys.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { queryProgress } from '../../src/temporal/month-end-client.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { claimNamespace } from '../_util/temporal.ts';
import { until } from '../_util/until.ts';
import { startCollector, type Collector } from './_collector.ts';
import { startProcess, untilApiStarted, type Started } from './_start.ts';

/**
 * Secrets and personal data go through the whole engine, at its most talkative, in calls that
 * succeed, fail and crash. They must turn up nowhere but where they belong.
 */

/** A tenant's name is personal data. */
const NAME = 'Carla Canary <carla@canary.example>';
const MASTER_SECRET = 'canary-master-secret-canary-master-secret';
/** Not a secret: finding it shows that the search looks in the right places. */
const REASON = 'a reason that operators gave';
const REQUEST_ID = 'canary-request-1';

let testDatabase: TestDatabase;
let db: Database;
let superuser: pg.Client;
let client: Client;
let connection: Connection;
let engine: Started;
let url: string;
let collector: Collector;
const secrets = new Map<string, string>();
const errorBodies: string[] = [];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = await openDatabase({
    url: testDatabase.appUrl,
    maxConnections: 2,
    applicationName: 'test-canaries',
  });
  superuser = new pg.Client({ connectionString: testDatabase.superuserUrl });
  await superuser.connect();
  await seedCatalogue(db);
  await seedTenant(db, 'carla');
  await superuser.query(`UPDATE tenants SET name = $1 WHERE tenant_id = 'carla'`, [NAME]);
  for (const scope of ['gateway', 'metering', 'operator'] as const) {
    secrets.set(scope, (await createKey(db, { label: scope, scope })).plainKey);
  }
  const tenantKey = await createKey(db, { label: 'carla', scope: 'tenant', tenantId: 'carla' });
  secrets.set('tenant', tenantKey.plainKey);
  secrets.set('master secret', MASTER_SECRET);
  secrets.set('database password', new URL(testDatabase.appUrl).password);

  const { address, namespace } = await claimNamespace();
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
  collector = await startCollector();
  engine = startProcess([], {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    DATABASE_URL: testDatabase.appUrl,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    SIGNING_MASTER_SECRETS: MASTER_SECRET,
    API_PORT: '0',
    WORKFLOW_BUNDLE: inject('workflowBundlePath'),
    LOG_LEVEL: 'trace',
    USAGE_MAX_AGE_DAYS: '36500',
  });
  url = await untilApiStarted(engine);
});
afterAll(async () => {
  engine.child.kill('SIGTERM');
  await engine.code;
  await collector[Symbol.asyncDispose]();
  await Promise.all([superuser.end(), db.end(), connection.close()]);
  await testDatabase.drop();
});

async function call(
  key: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await fetch(url + path, {
    method,
    headers: {
      Authorization: `Bearer ${secrets.get(key) ?? key}`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status >= 400) errorBodies.push(text);
  return response.status;
}

const event = (id: string) => ({
  gateway_request_id: id,
  tenant_id: 'carla',
  deployment_id: 'carla-a',
  model: NAME,
  occurred_at: `${MONTH}-10T12:00:00Z`,
  charge_cents: '12.5',
});

test('no log, error, metric, trace or history contains secrets or personal data', async () => {
  const usage = '/api/v1/integrations/llm-usage';
  const operatorKey = secrets.get('operator') ?? '';

  // Calls that succeed,
  expect(await call('gateway', 'POST', usage, event('canary-1'))).toBe(201);
  expect(await call('tenant', 'POST', '/api/v1/quote', { plan_code: 'studio' })).toBe(200);
  // that are rejected,
  expect(await call('gateway', 'POST', usage, { ...event('canary-2'), charge_cents: NAME })).toBe(
    422,
  );
  expect(await call('gateway', 'POST', usage, `{"model": "${NAME}", `)).toBe(400);
  expect(await call('gateway', 'POST', usage, { ...event('canary-1'), model: 'other' })).toBe(409);
  expect(await call(`${operatorKey}x`, 'GET', '/api/v1/invoices')).toBe(401);
  expect(await call('gateway', 'GET', '/api/v1/invoices')).toBe(403);
  // with a key in the wrong place,
  expect(await call('operator', 'GET', `/api/v1/invoices?cursor=${operatorKey}`)).toBe(422);
  expect(await call('operator', 'GET', `/api/v1/invoices/${operatorKey}`)).toBe(404);
  expect(await call('operator', 'GET', `/api/v2/${operatorKey}?api_key=${operatorKey}`)).toBe(404);
  expect(
    await call('operator', 'GET', '/api/v1/invoices', undefined, {
      'X-Request-Id': `req-${operatorKey}`,
      Cookie: `key=${operatorKey}`,
      'User-Agent': operatorKey,
      Referer: `https://canary.example/?key=${operatorKey}`,
    }),
  ).toBe(200);
  // and that fail on the server's side.
  await superuser.query('ALTER TABLE llm_usage_events RENAME TO away');
  expect(await call('gateway', 'POST', usage, event('canary-3'))).toBe(500);
  await superuser.query('ALTER TABLE away RENAME TO llm_usage_events');

  const asked = { month: MONTH, force: true, reason: REASON, request_id: REQUEST_ID };
  expect(await call('operator', 'POST', '/api/v1/roll-ups', asked)).toBe(202);
  await until(
    () => queryProgress(client, MONTH),
    (progress) => progress?.state === 'open' && progress.totals?.rolled === 1,
  );
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const readiness = await (await fetch(`${url}/readyz`)).text();
  const histories = await readHistories();
  engine.child.kill('SIGTERM');
  await engine.code;

  const places = {
    log: engine.output,
    errors: errorBodies.join('\n'),
    metrics,
    readiness,
    traces: collector.received,
    histories,
  };
  // The search looks in the right places,
  expect(places.log).toContain('"status":500');
  expect(places.errors).toContain('urn:arcadia:problem:internal-error');
  expect(places.metrics).toContain('usage_events');
  expect(places.traces).toContain('POST /api/v1/integrations/llm-usage');
  expect(places.traces).toContain('INSERT INTO invoice_lines');
  expect(places.histories).toContain(REASON);
  expect(places.histories).toContain('"outcome":"rolled"');
  // and finds nothing.
  for (const [place, text] of Object.entries(places)) {
    for (const [name, secret] of secrets) {
      expect(text.includes(secret), `${name} in ${place}: ${around(text, secret)}`).toBe(false);
    }
    expect(text.includes('Carla'), `the name in ${place}: ${around(text, 'Carla')}`).toBe(false);
    expect(text.includes('canary.example'), `the address in ${place}`).toBe(false);
  }
});

function around(text: string, found: string): string {
  const at = text.indexOf(found);
  return at < 0 ? '' : text.slice(Math.max(0, at - 200), at + 200).replaceAll(found, '…');
}

/** The content of all workflow histories, including payloads. */
async function readHistories(): Promise<string> {
  const texts: string[] = [];
  const runs = await until(
    async () => Array.fromAsync(client.workflow.list()),
    (found) => found.length >= 2 && found.every(({ type }) => type !== ''),
  );
  for (const { workflowId, runId } of runs) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    collectTexts(history, texts);
  }
  return texts.join('\n');
}

function collectTexts(value: unknown, texts: string[]): void {
  if (typeof value === 'string') texts.push(value);
  else if (value instanceof Uint8Array) texts.push(Buffer.from(value).toString());
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) collectTexts(item, texts);
  }
}
