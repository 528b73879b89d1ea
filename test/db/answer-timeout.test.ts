import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { openDatabase } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { isDatabaseUnavailable } from '../../src/db/unavailable.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { llmEvent } from '../api/_harness.ts';
import { startPostgresProxy, type PostgresProxy } from '../faults/postgres-proxy.ts';
import { ANY_TIME } from '../_util/any-time.ts';

/** Hanging connections: nothing arrives any more, without an error. */
let testDatabase: TestDatabase;
let proxy: PostgresProxy;
let url: string;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  proxy = await startPostgresProxy(Number(new URL(inject('superuserUrl')).port));
  const proxied = new URL(testDatabase.appUrl);
  proxied.port = String(proxy.port);
  url = proxied.href;
});
afterAll(async () => {
  await proxy.close();
  await testDatabase.drop();
});

/** Opened like by the engine, with short timeouts. */
function open(maxConnections: number) {
  return openDatabase({
    url,
    maxConnections,
    applicationName: 'test',
    statementTimeoutMs: 500,
    answerGraceMs: 100,
  });
}

const ONE = sql.type(z.object({ one: z.number() }))`SELECT 1 AS one`;

test('a hanging connection is given up and does not return to the pool', async () => {
  const db = await open(1);
  const trap = proxy.holdAt('before COMMIT', 1);
  const error: unknown = await db.transaction((tx) => tx.one(ONE)).catch((e: unknown) => e);
  expect(isDatabaseUnavailable(error)).toBe(true);
  const held = await trap.caught;

  // The pool has room for one connection, which is a new one.
  expect(await db.oneFirst(ONE)).toBe(1);
  expect(await db.transaction((tx) => tx.oneFirst(ONE))).toBe(1);
  await db.end();
  held.cut();
});

test('ingestion continues after all of its connections have hung', async () => {
  const db = await open(4);
  await seedCatalogue(db);
  await seedTenant(
    db,
    'acme',
    ['acme-a', 'acme-b'].map((deploymentId) => ({ deploymentId })),
  );
  const ingestion = createIngestion({ db, now: () => new Date(), timeBounds: ANY_TIME });
  const traps = [proxy.holdAt('before COMMIT', 1), proxy.holdAt('before COMMIT', 2)];
  const lost = ['acme-a', 'acme-b'].map((deployment_id) =>
    ingestion.ingest('llm', [llmEvent({ deployment_id })]).catch((e: unknown) => e),
  );
  const held = await Promise.all(traps.map(({ caught }) => caught));
  const event = llmEvent();
  const waiting = ingestion.ingest('llm', [event]).catch((e: unknown) => e);
  for (const error of await Promise.all(lost)) expect(isDatabaseUnavailable(error)).toBe(true);
  // They hold their buckets until the network or the server gives them up too.
  for (const connection of held) connection.cut();
  await waiting;

  const [result] = await ingestion.ingest('llm', [event]);
  expect(result?.status).toMatch(/accepted|duplicate/);
  await ingestion.close();
  await db.end();
});
