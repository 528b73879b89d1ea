import pg from 'pg';
import type { QuerySqlToken } from 'slonik';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createActivities } from '../../src/activities/create-activities.ts';
import { listInvoices } from '../../src/db/invoices/invoice-views.ts';
import { readMonthEndStatus } from '../../src/db/month-end/month-end-status.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { ACCEPTED } from '../../src/ingestion/results.ts';
import { hasPlan } from '../_util/explain.ts';
import { fillBooks } from '../_util/full-books.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { createLedgerWorld, ACTIVITY_DEPS, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue } from '../_util/seed.ts';

/** Row level security is for tenants: for other roles each query is planned as without it. */
let world: LedgerWorld;
let superuser: pg.Client;
const open: Database[] = [];
beforeAll(async () => {
  world = await createLedgerWorld();
  superuser = new pg.Client({ connectionString: world.testDatabase.superuserUrl });
  await superuser.connect();
});
afterAll(async () => {
  await Promise.all([superuser.end(), ...open.map((db) => db.end())]);
  await world[Symbol.asyncDispose]();
});

async function openAs(url: string): Promise<Database> {
  const db = await openDatabase({ url, maxConnections: 3, applicationName: 'test-plans' });
  open.push(db);
  return db;
}

/** Records the queries to a database. */
function noting(db: Database, seen: Map<string, QuerySqlToken>): Database {
  return interceptQueries(db, (query) => {
    if (hasPlan(query)) seen.set(query.sql, query);
    return query;
  });
}

const planLine = z.object({ 'QUERY PLAN': z.string() });

/** The plans of queries; without sequential scans, each shows which index it can use. */
function plansOf(db: Database, queries: Iterable<QuerySqlToken>): Promise<readonly string[]> {
  return db.transaction(async (tx) => {
    await tx.query(sql.typeAlias('nothing')`SET LOCAL enable_seqscan = off`);
    const plans: string[] = [];
    for (const query of queries) {
      const explain = { ...query, sql: `EXPLAIN (COSTS OFF) ${query.sql}`, parser: planLine };
      const lines = await tx.any(explain);
      plans.push([query.sql, ...lines.map((line) => line['QUERY PLAN'])].join('\n'));
    }
    return plans;
  });
}

test('month end and ingestion have the same plans with and without row level security', async () => {
  const { testDatabase } = world;
  const roles = {
    api: { db: await openAs(testDatabase.apiUrl), seen: new Map<string, QuerySqlToken>() },
    worker: { db: await openAs(testDatabase.workerUrl), seen: new Map<string, QuerySqlToken>() },
  };
  const apiDb = noting(roles.api.db, roles.api.seen);
  const activities = createActivities({
    ...ACTIVITY_DEPS,
    db: noting(roles.worker.db, roles.worker.seen),
  });
  await seedCatalogue(world.db);
  await fillBooks(world.db, { activities }, 'acme');
  const pass = await activities.beginPass({ month: MONTH });
  const { upToSeq = 0, startedAt = '' } = pass ?? {};
  await activities.planPage({ month: MONTH, passStartedAt: startedAt, after: null, limit: 10 });
  await activities.finishPass({ month: MONTH, upToSeq });
  const ingestion = createIngestion({ db: apiDb, now: () => new Date('2026-05-20') });
  const event = { tenant_id: 'acme', deployment_id: 'acme-a', occurred_at: '2026-05-10T12:00:00Z' };
  const record = { ...event, record_id: 'r-1', resource_kind: 'droplet_hours', qty: '1' };
  const priced = { ...event, gateway_request_id: 'g-1', model: 'm', charge_cents: '1' };
  const results = [
    ...(await ingestion.ingest('metered', [
      record,
      { ...record, record_id: 'r-2', replaces: 'r-1' },
    ])),
    ...(await ingestion.ingest('llm', [priced])),
  ];
  expect(results).toEqual([ACCEPTED, ACCEPTED, ACCEPTED]);
  await readMonthEndStatus(apiDb, MONTH);
  await listInvoices(apiDb, { tenantId: 'acme' }, { after: null, limit: 10 });
  expect(roles.worker.seen.size).toBeGreaterThan(30);
  expect(roles.api.seen.size).toBeGreaterThan(10);

  const plans = async () => [
    ...(await plansOf(roles.worker.db, roles.worker.seen.values())),
    ...(await plansOf(roles.api.db, roles.api.seen.values())),
  ];
  const isolated = await plans();
  await superuser.query(`
    DO $$ DECLARE t regclass; BEGIN
      FOR t IN SELECT oid FROM pg_class WHERE relrowsecurity LOOP
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', t);
      END LOOP;
    END $$`);
  expect(isolated).toEqual(await plans());

  // By their ids, the order in which everything locks buckets.
  const added = isolated.flatMap((plan) => /CTE added\n([^]*?)CTE arrived/.exec(plan)?.[1] ?? []);
  expect(added.map((plan) => plan.match(/\S+ \S+ on usage_buckets b$/gm))).toEqual([
    BY_ID, // metered
    BY_ID, // LLM
  ]);
});

const BY_ID = ['using usage_buckets_pkey on usage_buckets b'];
