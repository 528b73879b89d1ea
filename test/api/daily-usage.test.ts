import { isDeepStrictEqual } from 'node:util';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { readDailyUsage } from '../../src/api/pages/daily-usage.ts';
import { createKey, type ApiKey } from '../../src/db/access/api-keys.ts';
import type { Database } from '../../src/db/pool.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { MONTH, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { createTestApi, type TestApi } from './_harness.ts';

/** When usage by day is summed again. Here each sum takes a minute, as long as a statement can. */
const MINUTE = 60_000;

let api: TestApi;
let caller: ApiKey;
beforeAll(async () => {
  api = await createTestApi();
  caller = await createKey(api.db, { label: 'pages', scope: 'tenant', tenantId: 'acme' });
  await use('100');
});
afterAll(() => api[Symbol.asyncDispose]());

let passedMs: number;
let sums: number;
let isFailing: boolean;
let failures: string[];
/** Another one for each test: the sums are kept by database. */
let db: Database;
beforeEach(() => {
  passedMs = 0;
  sums = 0;
  isFailing = false;
  failures = [];
  db = interceptQueries(api.db, (query) => {
    if (!query.sql.includes('width_bucket')) return query;
    sums += 1;
    passedMs += MINUTE;
    return isFailing ? { ...query, sql: 'SELECT 1/0', values: [] } : query;
  });
  vi.spyOn(performance, 'now').mockImplementation(() => passedMs);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const use = (amount: string) =>
  seedUsage(api.db, { tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount });
const START = Date.parse('2026-05-16T12:00:00Z');
const now = () => new Date(START + passedMs);
const logger = pino({ level: 'warn' }, { write: (line) => failures.push(line) });
const ask = () =>
  until(
    () => readDailyUsage({ db, now, logger }, caller, { tenantId: 'acme', month: MONTH }),
    ({ state }) => state !== 'computing',
  );
const failed = (times: number) =>
  until(
    () => Promise.resolve(failures.length),
    (count) => count === times,
  );

test('a sum that fails is repeated after a pause ten times as long as it took', async () => {
  isFailing = true;
  expect(await ask()).toEqual({ state: 'failed' });
  expect(await ask()).toEqual({ state: 'failed' });
  passedMs += 10 * MINUTE - 1;
  expect(await ask()).toEqual({ state: 'failed' });
  expect(sums).toBe(1);
  passedMs += 1;
  expect(await ask()).toEqual({ state: 'failed' });
  expect(sums).toBe(2);
});

test('the pause starts when the sum has ended', async () => {
  await ask();
  await use('1');
  passedMs += 10 * MINUTE - 1;
  await ask();
  expect(sums).toBe(1);
  passedMs += 1;
  await until(ask, () => sums === 2);
});

test('a failure keeps the older figures until a sum succeeds again', async () => {
  const first = await ask();
  expect(first).toMatchObject({ state: 'ready', asOf: new Date(START) });
  await use('1');
  passedMs += 10 * MINUTE;
  isFailing = true;
  expect(await ask()).toEqual(first);
  await failed(1);
  expect(await ask()).toEqual(first);
  expect(sums).toBe(2);

  passedMs += 10 * MINUTE;
  isFailing = false;
  const later = await until(ask, (answer) => !isDeepStrictEqual(answer, first));
  expect(later).toMatchObject({ state: 'ready', asOf: new Date(START + 22 * MINUTE) });
  expect(sums).toBe(3);
});
