import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { openSealedDrafts } from '../../src/db/usage/seal.ts';
import { sql } from '../../src/db/sql.ts';
import { createIngestion, type Ingestion } from '../../src/ingestion/ingestion.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { periodOf } from '../_util/utc.ts';
import { bucketsOf, expectBucketsToAddUp } from './_ledger.ts';

const DEPLOYMENTS = ['acme-a', 'acme-b'];

let testDatabase: TestDatabase;
let db: Database;
/** With the rights of the API's process. */
let apiDb: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const open = (url: string) =>
    openDatabase({ url, maxConnections: 10, applicationName: 'test-models' });
  db = await open(testDatabase.appUrl);
  apiDb = await open(testDatabase.apiUrl);
  await seedCatalogue(db);
  await seedTenant(
    db,
    'acme',
    DEPLOYMENTS.map((deploymentId) => ({ deploymentId })),
  );
});
afterEach(async () => {
  await expectBucketsToAddUp(db);
  expect(await misplacedEvents()).toEqual([]);
});
afterAll(async () => {
  await Promise.all([db.end(), apiDb.end()]);
  await testDatabase.drop();
});

/** Each of several processes has its own. */
const newIngestion = () =>
  createIngestion({ db: apiDb, now: () => new Date(), timeBounds: ANY_TIME });

let lastId = 0;
function eventOf(model: string, month: string, { deployment = 'acme-a', charge = '1' } = {}) {
  return {
    gateway_request_id: `model-${(lastId += 1)}`,
    tenant_id: 'acme',
    deployment_id: deployment,
    model,
    occurred_at: `${month}-10T12:00:00Z`,
    charge_cents: charge,
  };
}

/** `m000`, `m001`, … */
const models = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => `m${String(from + n).padStart(3, '0')}`);

async function send(ingestion: Ingestion, events: readonly object[]): Promise<void> {
  const results = await ingestion.ingest('llm', events);
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['accepted']));
}

/** Buckets of a month by model, each with its events: the sealed ones first. */
async function countsOf(month: string): Promise<Map<string, readonly number[]>> {
  const ofMonth = (await bucketsOf(db)).filter((bucket) => bucket.month === month);
  const byModel = Map.groupBy(ofMonth, ({ model }) => model);
  return new Map([...byModel].map(([model, buckets]) => [model, buckets.map((b) => b.events)]));
}

/** Events in the bucket of another model, and events of a model with a bucket in that of all others. */
function misplacedEvents(): Promise<readonly string[]> {
  return db.anyFirst(sql.type(z.object({ id: z.string() }))`
    SELECT gateway_request_id AS id FROM llm_usage_events e JOIN usage_buckets b USING (bucket_id)
    WHERE b.model <> e.model AND (b.model <> ${''} OR EXISTS (
      SELECT FROM usage_buckets o
      WHERE (o.deployment_id, o.service_month, o.model) = (e.deployment_id, e.service_month, e.model)))
  `);
}

let lastDraft = 0;

/** Seals what is open, each time for a draft of a later month. */
async function seal(): Promise<void> {
  const period = periodOf(new Date(Date.UTC(2027, (lastDraft += 1), 1)).toISOString().slice(0, 7));
  const run = { owner: 'test', ownerStartedAt: new Date().toISOString() };
  const tenant = { tenantId: 'acme', replacesInvoiceId: null, replacesVoid: false };
  await db.transaction((tx) =>
    openSealedDrafts(tx, period, run, [{ ...tenant, hasUnfinishedDrafts: false }]),
  );
}

test('each model of a deployment and month has a bucket of its own', async () => {
  const ingestion = newIngestion();
  // The first events open buckets, the second ones find them.
  for (const charge of ['0.1', '0.02']) {
    await send(ingestion, [
      eventOf('large-2', '2025-01', { charge }),
      eventOf('small 1', '2025-01', { charge }),
      eventOf('small 1', '2025-01', { charge }),
      eventOf('small 1', '2025-02', { charge }),
    ]);
  }
  const found = (await bucketsOf(db)).filter(({ month }) => month.startsWith('2025-0'));
  expect(found).toHaveLength(3);
  expect(found).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ month: '2025-01', model: 'large-2', events: 2, total: '0.12' }),
      expect.objectContaining({ month: '2025-01', model: 'small 1', events: 4, total: '0.24' }),
      expect.objectContaining({ month: '2025-02', model: 'small 1', events: 2, total: '0.12' }),
    ]),
  );
});

test('beyond 200 models, all others share a bucket, and keep to it', async () => {
  const month = '2025-03';
  const ingestion = newIngestion();
  await send(
    ingestion,
    models(0, 205).map((model) => eventOf(model, month)),
  );
  const first = await countsOf(month);
  expect(first.size).toBe(201);
  expect(first.get('')).toEqual([5]);
  // Those that have a bucket, those that share one, and another new one.
  await send(
    ingestion,
    ['m000', 'm199', 'm200', 'm204', 'zzz'].map((model) => eventOf(model, month)),
  );
  const second = await countsOf(month);
  expect(second.size).toBe(201);
  expect(second.get('m000')).toEqual([2]);
  expect(second.get('')).toEqual([8]);
  // Other deployments and months have 200 of their own.
  await send(ingestion, [
    eventOf('zzz', month, { deployment: 'acme-b' }),
    eventOf('zzz', '2025-04'),
  ]);
  expect((await countsOf('2025-04')).get('zzz')).toEqual([1]);
});

test('a model whose bucket was sealed gets another one, although all others have one that is open', async () => {
  const month = '2025-05';
  const ingestion = newIngestion();
  await send(
    ingestion,
    models(0, 201).map((model) => eventOf(model, month)),
  );
  await seal();
  await send(ingestion, [eventOf('m200', month), eventOf('m000', month)]);
  await send(ingestion, [eventOf('m200', month), eventOf('m001', month), eventOf('m000', month)]);
  const counts = await countsOf(month);
  expect(counts.get('')).toEqual([1, 2]);
  expect(counts.get('m000')).toEqual([1, 2]);
  expect(counts.get('m001')).toEqual([1, 1]);
  expect(counts.size).toBe(201);
});

test('several processes together open buckets for exactly 200 models', async () => {
  const month = '2025-06';
  await Promise.all(
    Array.from({ length: 3 }, newIngestion).flatMap((ingestion, process) =>
      models(process * 80, 100).map((model) => send(ingestion, [eventOf(model, month)])),
    ),
  );
  const counts = await countsOf(month);
  expect(counts.size).toBe(201);
  const events = [...counts.values()].flat().reduce((sum, count) => sum + count, 0);
  expect(events).toBe(300);
});

test('loses nothing and never deadlocks while month end seals buckets of many models', async () => {
  const month = '2025-07';
  const ingestions = [newIngestion(), newIngestion()];
  const batches = Array.from({ length: 80 }, (_, batch) =>
    Array.from({ length: 25 }, (__, n) =>
      // In different orders, and more models than have buckets of their own.
      eventOf(`m${(batch * 37 + n * (batch % 2 === 0 ? 11 : 229)) % 240}`, month, {
        deployment: DEPLOYMENTS[(batch + Number(n > 12)) % 2],
      }),
    ),
  );
  const done = new AbortController();
  const sealing = (async () => {
    while (!done.signal.aborted) {
      await seal();
      await delay(5);
    }
  })();
  let next = 0;
  await Promise.all(
    [...ingestions, ...ingestions].map(async (ingestion) => {
      for (let batch = batches[next++]; batch; batch = batches[next++])
        await send(ingestion, batch);
    }),
  );
  done.abort();
  await sealing;
  const ofMonth = (await bucketsOf(db)).filter((bucket) => bucket.month === month);
  expect(ofMonth.reduce((sum, { events }) => sum + events, 0)).toBe(2_000);
  for (const deployment of DEPLOYMENTS) {
    const own = ofMonth.filter(
      ({ deploymentId, model }) => deploymentId === deployment && model !== '',
    );
    expect(new Set(own.map(({ model }) => model)).size).toBe(200);
  }
});

test('stores attributes, whether or not the bucket exists', async () => {
  const ingestion = newIngestion();
  const attributes = { team: 'search "x"', project: 'a\\b' };
  const sent = [1, 2].map(() => ({ ...eventOf('large-2', '2025-08'), attributes }));
  for (const event of sent) await send(ingestion, [event, eventOf('large-2', '2025-08')]);
  expect(await ingestion.ingest('llm', sent)).toEqual([
    { status: 'duplicate' },
    { status: 'duplicate' },
  ]);
  const [first] = sent;
  const changed = { ...first, attributes: { ...attributes, team: 'ads' } };
  expect(await ingestion.ingest('llm', [changed])).toMatchObject([{ status: 'conflict' }]);
  const stored = await db.anyFirst(sql.type(
    z.object({ attributes: z.record(z.string(), z.string()).nullable() }),
  )`
    SELECT attributes FROM llm_usage_events WHERE service_month = '2025-08-01'
    ORDER BY attributes IS NULL`);
  expect(stored).toEqual([attributes, attributes, null, null]);
});

test('a group whose buckets exist takes one statement, with as many models as have their own', async () => {
  const month = '2025-09';
  const statements: string[] = [];
  const counting = interceptQueries(apiDb, (query) => {
    if (query.sql.includes('usage_buckets')) statements.push(query.sql);
    return query;
  });
  const ingestion = createIngestion({
    db: counting,
    now: () => new Date(),
    timeBounds: ANY_TIME,
    limits: { maxConcurrent: 1 },
  });
  const events = (count: number) => models(0, count).map((model) => eventOf(model, month));
  await send(ingestion, events(200));
  statements.length = 0;
  await send(ingestion, events(200));
  expect(statements).toHaveLength(1);
  // The last ten share a bucket, which takes the long path, and the other 200 don't.
  for (const expected of [10, 20]) {
    statements.length = 0;
    await send(ingestion, events(210));
    expect(statements).toHaveLength(3);
    expect((await countsOf(month)).get('')).toEqual([expected]);
  }
  expect((await countsOf(month)).get('m000')).toEqual([4]);
});
