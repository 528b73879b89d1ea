import { pino } from 'pino';
import type { QuerySqlToken } from 'slonik';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { sweepPage } from '../../src/audit/threshold-sweep.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { setThreshold } from '../../src/db/usage/spend-thresholds.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { ACTIVITY_DEPS, createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { thresholdsAreSetAt } from '../_util/thresholds-set-at.ts';
import { outboxOf, register } from '../webhooks/_receiving.ts';

/** The sweep if a tenant's running month can't be computed for a reason other than its data. */

const NOW = new Date('2026-05-20T12:00:00Z');
const TENANTS = ['a', 'b', 'c'];

let world: LedgerWorld;
/** With the worker's rights. A statement may take some seconds. */
let workerDb: Database;
let logged: string[];
beforeEach(async () => {
  logged = [];
  world = await createLedgerWorld();
  const { workerUrl: url, superuserUrl } = world.testDatabase;
  const options = { maxConnections: 4, applicationName: 'test-sweep' };
  workerDb = await openDatabase({ url, ...options, statementTimeoutMs: 3_000 });
  await thresholdsAreSetAt(superuserUrl, NOW.toISOString());
  await seedCatalogue(world.db);
  await register(world.db);
  for (const tenantId of TENANTS) {
    await seedTenant(world.db, tenantId);
    const limit = { amountCents: 1, percentOfPlan: null };
    await setThreshold(world.db, { tenantId, thresholdId: 'low', limit, actor: 'test' });
  }
});
afterEach(async () => {
  await workerDb.end();
  await world[Symbol.asyncDispose]();
});

/** Sweeps on a database with another answer to a query. */
function sweep(answer: (query: QuerySqlToken) => QuerySqlToken) {
  const activities = createActivities({
    ...ACTIVITY_DEPS,
    now: () => NOW,
    db: interceptQueries(workerDb, answer),
    logger: pino({ level: 'warn' }, { write: (line) => logged.push(line) }),
  });
  return activities.sweepThresholds({ cursor: null });
}
/** Whether a query is the first for a tenant's running month. */
const isAbout = (tenantId: string, { sql, values }: QuerySqlToken) =>
  sql.includes('isLastMonthSettled') && values.includes(tenantId);
const broken = (): never => {
  throw new TypeError('broken');
};
const reported = async () =>
  (await outboxOf(world.db))
    .filter(({ type }) => type === 'usage.threshold_reached')
    .map(({ tenantId }) => tenantId)
    .toSorted();
const loggedTenants = () =>
  logged.map((line) => (JSON.parse(line) as { tenant_id: unknown }).tenant_id);

test('an error of one tenant stops no other tenant', async () => {
  const done = await sweep((query) => (isAbout('a', query) ? broken() : query));
  expect(done).toEqual({ tenants: 3, reached: 2, failed: 1, next: null });
  expect(await reported()).toEqual(['b', 'c']);
  expect(loggedTenants()).toEqual(['a']);
  expect(logged[0]).toContain('broken');
});

test("a notice that can't be written stops no other tenant", async () => {
  const isNotice = ({ sql, values }: QuerySqlToken) =>
    sql.includes('INSERT INTO threshold_notices') && JSON.stringify(values).includes('"b"');
  const done = await sweep((query) => (isNotice(query) ? broken() : query));
  expect(done).toEqual({ tenants: 3, reached: 2, failed: 1, next: null });
  expect(await reported()).toEqual(['a', 'c']);
});

test('a statement that takes too long for one tenant stops no other tenant', async () => {
  const done = await sweep((query) =>
    isAbout('a', query) ? { ...query, sql: 'SELECT pg_sleep(60)', values: [] } : query,
  );
  expect(done).toEqual({ tenants: 3, reached: 2, failed: 1, next: null });
  expect(await reported()).toEqual(['b', 'c']);
  expect(loggedTenants()).toEqual(['a']);
});

test('the activity fails visibly if each tenant fails', async () => {
  const all = sweep((query) => (TENANTS.some((id) => isAbout(id, query)) ? broken() : query));
  await expect(all).rejects.toMatchObject({
    nonRetryable: true,
    message: expect.stringContaining('broken') as unknown,
  });
  expect(loggedTenants()).toEqual(TENANTS);
});

test('the activity is retried if the database becomes unavailable, with what it has reported kept', async () => {
  let isDown = false;
  const done = sweep((query) => {
    isDown ||= isAbout('b', query);
    if (isDown) throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
    return query;
  });
  await expect(done).rejects.toThrow('connection refused');
  expect(await reported()).toEqual(['a']);
  expect(logged).toEqual([]);
});

test('a page ends early if its time is over, and the next one continues', async () => {
  const options = { until: 0, onError: broken };
  const month = '2026-05';
  const earlier = await sweepPage(workerDb, NOW, null, options);
  expect(earlier).toMatchObject({ tenants: 0, next: { month, after: null } });
  const first = await sweepPage(workerDb, NOW, earlier.next, options);
  expect(first).toEqual({ tenants: 1, reached: 1, failed: 0, next: { month, after: 'a' } });
  const second = await sweepPage(workerDb, NOW, first.next, options);
  expect(second).toMatchObject({ tenants: 1, next: { month, after: 'b' } });
  const third = await sweepPage(workerDb, NOW, second.next, options);
  expect(third).toEqual({ tenants: 1, reached: 1, failed: 0, next: null });
  expect(await reported()).toEqual(TENANTS);
});
