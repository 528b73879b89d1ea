import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openSealedDrafts } from '../../src/db/usage/seal.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { periodOf } from '../_util/utc.ts';
import { createIngestion, type Ingestion } from '../../src/ingestion/ingestion.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { untilLockIsWaitedFor } from '../_util/locks.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { bucketsOf, countEvents, expectBucketsToAddUp } from './_ledger.ts';
import { ANY_TIME } from '../_util/any-time.ts';

const DEPLOYMENTS = ['acme-a', 'acme-b', 'acme-c'];

let testDatabase: TestDatabase;
let db: Database;
/** With the rights of the API's process. */
let apiDb: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const open = (url: string) =>
    openDatabase({ url, maxConnections: 10, applicationName: 'test-ledger' });
  db = await open(testDatabase.appUrl);
  apiDb = await open(testDatabase.apiUrl);
  await seedCatalogue(db);
  await seedTenant(
    db,
    'acme',
    DEPLOYMENTS.map((deploymentId) => ({ deploymentId })),
  );
});
afterEach(() => expectBucketsToAddUp(db));
afterAll(async () => {
  await Promise.all([db.end(), apiDb.end()]);
  await testDatabase.drop();
});

/** Each of several processes has its own. */
const newIngestion = () =>
  createIngestion({ db: apiDb, now: () => new Date(), timeBounds: ANY_TIME });

function llmEvent(id: string, deploymentId: string, chargeCents: string, month = '2026-05') {
  return {
    gateway_request_id: id,
    tenant_id: 'acme',
    deployment_id: deploymentId,
    model: 'large-2',
    occurred_at: `${month}-10T12:00:00Z`,
    charge_cents: chargeCents,
  };
}

let lastDraft = 0;

/** Seals what is open, each time for a draft of a later month. @returns how many buckets */
async function seal(): Promise<number> {
  const period = periodOf(new Date(Date.UTC(2027, (lastDraft += 1), 1)).toISOString().slice(0, 7));
  return db.transaction(async (tx) => {
    const run = { owner: 'test', ownerStartedAt: new Date().toISOString() };
    const tenant = {
      tenantId: 'acme',
      replacesInvoiceId: null,
      replacesVoid: false,
      hasUnfinishedDrafts: false,
    };
    const [draft] = await openSealedDrafts(tx, period, run, [tenant]);
    return tx.oneFirst(sql.type(z.object({ buckets: z.number() }))`
      SELECT count(*) AS buckets FROM usage_buckets WHERE sealed_for = ${draft?.draftId ?? null}`);
  });
}

test('loses and double-counts nothing while month end seals buckets', async () => {
  const ingestions = [newIngestion(), newIngestion()];
  const batches = Array.from({ length: 150 }, (_, batch) =>
    Array.from({ length: 20 }, (__, n) =>
      llmEvent(
        `race-${batch}-${n}`,
        DEPLOYMENTS[(batch + n) % 3] ?? '',
        `0.${batch + 1}00${n + 1}`,
      ),
    ),
  );
  const before = await countEvents(db);
  const done = new AbortController();
  const sealing = (async () => {
    let sealed = 0;
    while (!done.signal.aborted) {
      sealed += await seal();
      await delay(1);
    }
    return sealed;
  })();

  let next = 0;
  const send = async (ingestion: Ingestion) => {
    for (let batch = batches[next++]; batch; batch = batches[next++]) {
      const results = await ingestion.ingest('llm', batch);
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['accepted']));
    }
  };
  await Promise.all(ingestions.flatMap((ingestion) => [send(ingestion), send(ingestion)]));
  done.abort();

  // The race took place: buckets were sealed and opened during it.
  expect(await sealing).toBeGreaterThan(2 * DEPLOYMENTS.length);
  expect((await countEvents(db)) - before).toBe(3_000);
  await expectBucketsToAddUp(db);
});

test('accepts each event once from many senders', async () => {
  const ingestions = [newIngestion(), newIngestion(), newIngestion()];
  const events = Array.from({ length: 60 }, (_, n) =>
    llmEvent(`same-${n}`, DEPLOYMENTS[n % 3] ?? '', '0.1'),
  );
  const answers = await Promise.all(
    ingestions.flatMap((ingestion) =>
      // In different orders, which could cause deadlocks.
      [events, events.toReversed()].map((batch) => ingestion.ingest('llm', batch)),
    ),
  );
  const statuses = answers.flat().map(({ status }) => status);
  expect(statuses.filter((status) => status === 'accepted')).toHaveLength(60);
  expect(statuses.filter((status) => status === 'duplicate')).toHaveLength(300);
});

test('accepts an id sent concurrently for several deployments for one of them', async () => {
  // Their groups wait for each other's ids in different orders, which could cause deadlocks.
  const ingestion = newIngestion();
  const before = await countEvents(db);
  const idsOf = (deployment: string) =>
    Array.from({ length: 40 }, (_, n) => llmEvent(`claimed-${n}`, deployment, '0.1'));
  const answers = await Promise.all(
    DEPLOYMENTS.flatMap((deployment) =>
      [idsOf(deployment), idsOf(deployment).toReversed()].map((batch) =>
        ingestion.ingest('llm', batch),
      ),
    ),
  );
  const statuses = Object.groupBy(
    answers.flat().map(({ status }) => status),
    (status) => status,
  );
  expect(statuses.accepted).toHaveLength(40);
  expect(statuses.duplicate).toHaveLength(40);
  expect(statuses.conflict).toHaveLength(160);
  expect((await countEvents(db)) - before).toBe(40);
  await expectBucketsToAddUp(db);
});

test('sums exactly where a float would not', async () => {
  const charges = ['0.1', '0.2', '999999999999.999999999999', '0.000000000001'];
  await newIngestion().ingest(
    'llm',
    charges.map((charge, n) => llmEvent(`exact-${n}`, 'acme-a', charge, '2025-01')),
  );
  const ofMonth = (await bucketsOf(db)).filter(({ month }) => month === '2025-01');
  expect(ofMonth).toEqual([expect.objectContaining({ events: 4, total: '1000000000000.3' })]);
});

test('after a seal, a late event opens a new bucket and a replay does not', async () => {
  const ingestion = newIngestion();
  await ingestion.ingest('llm', [llmEvent('late-1', 'acme-a', '1', '2025-02')]);
  await seal();
  const ofMonth = async () => (await bucketsOf(db)).filter(({ month }) => month === '2025-02');

  await ingestion.ingest('llm', [llmEvent('late-1', 'acme-a', '1', '2025-02')]);
  expect(await ofMonth()).toMatchObject([{ events: 1, isOpen: false }]);
  await ingestion.ingest('llm', [llmEvent('late-2', 'acme-a', '2', '2025-02')]);
  expect(await ofMonth()).toMatchObject([
    { events: 1, total: '1', isOpen: false },
    { events: 1, total: '2', isOpen: true },
  ]);
});

test('events that arrive during a seal go into a new bucket', async () => {
  const ingestion = newIngestion();
  const event = (n: number) => llmEvent(`sealing-${n}`, 'acme-a', `${n}`, '2025-03');
  await ingestion.ingest('llm', [event(1)]);
  const sealer = new pg.Client({ connectionString: testDatabase.superuserUrl });
  await sealer.connect();
  try {
    await sealer.query('BEGIN');
    await sealer.query(`
      UPDATE usage_buckets SET sealed_for = (SELECT draft_id FROM invoice_drafts LIMIT 1)
      WHERE service_month = '2025-03-01'`);
    const answered = ingestion.ingest('llm', [event(2), event(1)]);
    // It saw the bucket open and waits for the lock.
    await untilLockIsWaitedFor(testDatabase.superuserUrl);
    await sealer.query('COMMIT');
    expect(await answered).toEqual([{ status: 'accepted' }, { status: 'duplicate' }]);
  } finally {
    await sealer.end();
  }
  const ofMonth = (await bucketsOf(db)).filter(({ month }) => month === '2025-03');
  expect(ofMonth).toMatchObject([
    { events: 1, total: '1', isOpen: false },
    { events: 1, total: '2', isOpen: true },
  ]);
});

test('a replay writes nothing, not even identical rows', async () => {
  const ingestion = newIngestion();
  const event = llmEvent('replayed', 'acme-b', '1', '2025-04');
  await ingestion.ingest('llm', [event]);
  const version = () =>
    db.oneFirst(sql.type(z.object({ place: z.string() }))`
      SELECT ctid::text AS place FROM usage_buckets WHERE service_month = '2025-04-01'`);
  const before = await version();
  expect(await ingestion.ingest('llm', [event])).toEqual([{ status: 'duplicate' }]);
  expect(await version()).toBe(before);
  await ingestion.ingest('llm', [event, { ...event, gateway_request_id: 'replayed-not' }]);
  expect(await version()).not.toBe(before);
});

test('each event of a group gets its own answer', async () => {
  const ingestion = newIngestion();
  const event = (id: string, charge: string, month = '2025-05') =>
    llmEvent(`mixed-${id}`, 'acme-c', charge, month);
  await ingestion.ingest('llm', [event('known', '1')]);
  const results = await ingestion.ingest('llm', [
    event('known', '1'),
    event('known', '2'),
    event('new', '4'),
    event('new', '4'),
    event('new', '8'),
    event('NULL', '16'),
    event('"\\', '32'),
    // Without a bucket so far.
    event('unopened', '64', '2025-06'),
    event('unopened', '64', '2025-06'),
  ]);
  expect(results.map(({ status }) => status)).toEqual([
    ...['duplicate', 'conflict', 'accepted', 'duplicate', 'conflict'],
    ...['accepted', 'accepted', 'accepted', 'duplicate'],
  ]);
  const ofMonths = (await bucketsOf(db)).filter(({ month }) => /2025-0[56]/.test(month));
  expect(ofMonths).toMatchObject([
    { events: 4, total: '53' },
    { events: 1, total: '64' },
  ]);
});

test('a batch for many buckets stores each event unchanged in its own bucket', async () => {
  const ingestion = newIngestion();
  const kinds = ['droplet_hours', 'llm_tokens'];
  const places = DEPLOYMENTS.flatMap((deployment) =>
    kinds.flatMap((kind) => ['2024-03', '2024-04'].map((month) => ({ deployment, kind, month }))),
  );
  const recordsOf = (round: string) =>
    places.map(({ deployment, kind, month }, n) => ({
      record_id: `many-${round}-${n}`,
      tenant_id: 'acme',
      deployment_id: deployment,
      resource_kind: kind,
      qty: `${n + 1}`,
      occurred_at: `${month}-10T12:00:00Z`,
    }));
  const eventsOf = (round: string) =>
    places.map(({ deployment, month }, n) =>
      llmEvent(`many-${round}-${n}`, deployment, `${n + 1}`, month),
    );
  // The first ones open buckets, the second ones use the fast path.
  for (const round of ['long', 'short']) {
    await ingestion.ingest('metered', recordsOf(round));
    await ingestion.ingest('llm', eventsOf(round));
  }

  const stored = await db.any(sql.type(storedUsage)`
    SELECT u.id, u.deployment_id AS deployment, u.kind, to_char(u.service_month, 'YYYY-MM') AS month,
      trim_scale(u.amount) AS amount, b.resource_kind AS "kindOfBucket",
      (b.source, b.tenant_id, b.deployment_id, b.service_month)
        = (u.source, u.tenant_id, u.deployment_id, u.service_month) AS "isInItsOwn"
    FROM (
      SELECT record_id AS id, 'metered' AS source, tenant_id, deployment_id, resource_kind AS kind,
        service_month, qty AS amount, bucket_id
      FROM metered_usage_records
      UNION ALL
      SELECT gateway_request_id, 'llm', tenant_id, deployment_id, 'llm_usage', service_month,
        charge_cents, bucket_id
      FROM llm_usage_events
    ) u JOIN usage_buckets b USING (bucket_id)
    WHERE u.id LIKE 'many-%'
  `);
  const expected = ['long', 'short'].flatMap((round) =>
    places.flatMap(({ deployment, kind, month }, n) =>
      [kind, 'llm_usage'].map((kindStored) => ({
        id: `many-${round}-${n}`,
        deployment,
        kind: kindStored,
        month,
        amount: `${n + 1}`,
        kindOfBucket: kindStored,
        isInItsOwn: true,
      })),
    ),
  );
  expect(stored).toHaveLength(expected.length);
  expect(stored).toEqual(expect.arrayContaining(expected));
});

const storedUsage = z.object({
  id: z.string(),
  deployment: z.string(),
  kind: z.string(),
  month: z.string(),
  amount: z.string(),
  kindOfBucket: z.string(),
  isInItsOwn: z.boolean(),
});

test('a poisoned request does not fail the others of its group', async () => {
  const superuser = new pg.Client({ connectionString: testDatabase.superuserUrl });
  await superuser.connect();
  await superuser.query(`
    CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'poison' USING ERRCODE = 'check_violation'; END $$;
    CREATE TRIGGER refuse_poison BEFORE INSERT ON llm_usage_events
      FOR EACH ROW WHEN (NEW.model = 'poison') EXECUTE FUNCTION refuse_poison()`);
  await superuser.end();

  const ingestion = createIngestion({
    db: apiDb,
    now: () => new Date(),
    timeBounds: ANY_TIME,
    limits: { maxConcurrent: 1 },
  });
  const events = Array.from({ length: 6 }, (_, n) => llmEvent(`group-${n}`, 'acme-a', '1'));
  const poisoned = events.map((event, n) => (n === 3 ? { ...event, model: 'poison' } : event));
  const answers = await Promise.allSettled(poisoned.map((e) => ingestion.ingest('llm', [e])));
  expect(answers.map(({ status }) => status)).toEqual([
    ...['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  ]);
});
