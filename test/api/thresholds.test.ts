import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { MAX_SETTINGS_A_DAY, MAX_THRESHOLDS } from '../../src/domain/spend-thresholds.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { seedTenant } from '../_util/seed.ts';
import { monthOfInstant } from '../_util/utc.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const PATH = '/api/v1/usage-thresholds';
const put = (id: string, body: unknown, key = api.keys.acme, query = '') =>
  api.call('put', `${PATH}/${id}${query}`, { key, body });
const remove = (id: string, key = api.keys.acme, query = '') =>
  api.call('delete', `${PATH}/${id}${query}`, { key });
interface Listed {
  readonly thresholds: readonly Record<string, unknown>[];
  readonly next_cursor: string | null;
}
async function list(key = api.keys.acme, query = ''): Promise<Listed> {
  const { status, body } = await api.call('get', `${PATH}${query}`, { key });
  expect(status).toBe(200);
  return body as Listed;
}
const idsOf = ({ thresholds }: Listed) =>
  thresholds.map(({ tenant_id, threshold_id }) => `${String(tenant_id)} ${String(threshold_id)}`);

test('a tenant sets, changes, lists and removes its own thresholds', async () => {
  const added = await put('warning', { amount_cents: 25_000 });
  expect(added.status).toBe(201);
  const threshold = {
    ...{ tenant_id: 'acme', threshold_id: 'warning', currency: 'AUD' },
    ...{ amount_cents: 25_000, percent_of_plan: null },
    ...{ set_at: expect.any(String) as unknown, reached: null },
  };
  expect(added.body).toEqual(threshold);
  const same = await put('warning', { amount_cents: 25_000 });
  expect([same.status, same.body]).toEqual([200, added.body]);

  const changed = await put('warning', { percent_of_plan: 150 });
  const now = { ...threshold, amount_cents: null, percent_of_plan: 150 };
  expect([changed.status, changed.body]).toEqual([200, now]);
  expect((await list()).thresholds).toEqual([now]);

  const removed = await remove('warning');
  expect([removed.status, removed.body]).toEqual([200, now]);
  expect((await list()).thresholds).toEqual([]);
  expect((await remove('warning')).status).toBe(404);
});

test('a threshold that the running month has reached says so', async () => {
  await put('low', { amount_cents: 100 });
  const activities = createActivities({ ...ACTIVITY_DEPS, db: api.db });
  await activities.sweepThresholds({ cursor: null });
  const month = monthOfInstant(new Date());
  const reached = {
    ...{ month, threshold_cents: 100, reached_cents: 5000 },
    reached_at: expect.any(String) as unknown,
  };
  expect((await list()).thresholds).toMatchObject([{ threshold_id: 'low', reached }]);
  // What it says is another threshold, which no sweep has reported.
  const { body } = await put('low', { amount_cents: 101 });
  expect(body).toMatchObject({ reached: null });
  await remove('low');
});

test.each([
  [{}, '/amount_cents'],
  [{ amount_cents: 1, percent_of_plan: 150 }, '/amount_cents'],
  [{ amount_cents: null }, '/amount_cents'],
  [{ amount_cents: 0 }, '/amount_cents'],
  [{ amount_cents: -1 }, '/amount_cents'],
  [{ amount_cents: 1.5 }, '/amount_cents'],
  [{ amount_cents: 2 ** 53 }, '/amount_cents'],
  [{ amount_cents: '25000' }, '/amount_cents'],
  [{ percent_of_plan: 100 }, '/percent_of_plan'],
  [{ percent_of_plan: 100_001 }, '/percent_of_plan'],
  [{ percent_of_plan: 120.5 }, '/percent_of_plan'],
  [{ amount_cents: 1, currency: 'AUD' }, '/currency'],
])('%j is rejected, at %s', async (body, pointer) => {
  const answer = await put('bad', body);
  expect(answer.status).toBe(422);
  expect((answer.body as { errors: unknown }).errors).toEqual(
    expect.arrayContaining([expect.objectContaining({ pointer })]),
  );
  expect(await list()).toMatchObject({ thresholds: [] });
});

test('a share of 100 % or less says why it is rejected', async () => {
  const { body } = await put('bad', { percent_of_plan: 80 });
  expect(JSON.stringify(body)).toContain('every month would reach it at its start');
});

describe('an operator', () => {
  test('names the tenant', async () => {
    const operator = api.keys.operator;
    for (const answer of [
      await put('x', { amount_cents: 1 }, operator),
      await remove('x', operator),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({ errors: [{ parameter: 'tenant_id' }] });
    }
    expect((await put('x', { amount_cents: 1 }, operator, '?tenant_id=nobody')).status).toBe(404);
    expect((await list(operator, '?tenant_id=zeta')).thresholds).toEqual([]);
    const listed = await api.call('get', `${PATH}?tenant_id=nobody`, { key: operator });
    expect(listed.status).toBe(404);
  });

  test('sets and removes thresholds of any tenant, on record, and pages through all', async () => {
    const operator = api.keys.operator;
    for (const tenantId of ['zeta', 'acme']) {
      for (const id of ['b', 'a']) {
        const query = `?tenant_id=${tenantId}`;
        expect((await put(id, { amount_cents: 1 }, operator, query)).status).toBe(201);
      }
    }
    const first = await list(operator, '?limit=3');
    const rest = await list(operator, `?limit=3&cursor=${first.next_cursor}`);
    expect([...idsOf(first), ...idsOf(rest)]).toEqual(['acme a', 'acme b', 'zeta a', 'zeta b']);
    expect(rest.next_cursor).toBeNull();
    for (const tenantId of ['zeta', 'acme']) {
      for (const id of ['a', 'b']) {
        expect((await remove(id, operator, `?tenant_id=${tenantId}`)).status).toBe(200);
      }
    }
    const { body } = await api.call('get', '/api/v1/operator-actions?limit=1', { key: operator });
    expect(body).toMatchObject({
      operator_actions: [
        {
          action: 'deleteUsageThreshold',
          target: { threshold_id: 'b', tenant_id: 'acme' },
          outcome: 'done',
        },
      ],
    });
  });
});

test("another tenant's thresholds can be neither seen nor changed", async () => {
  await put('mine', { amount_cents: 1 });
  const zeta = api.keys.zeta;
  expect((await list(zeta)).thresholds).toEqual([]);
  for (const answer of [
    await put('mine', { amount_cents: 2 }, zeta, '?tenant_id=acme'),
    await remove('mine', zeta, '?tenant_id=acme'),
    await api.call('get', `${PATH}?tenant_id=acme`, { key: zeta }),
  ]) {
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ detail: 'there is no tenant acme' });
  }
  expect((await remove('mine', zeta)).status).toBe(404);
  // The same id is another threshold.
  expect((await put('mine', { amount_cents: 2 }, zeta)).status).toBe(201);
  expect((await list()).thresholds).toMatchObject([{ amount_cents: 1 }]);
  await Promise.all([remove('mine'), remove('mine', zeta)]);
});

describe('a tenant has a limited number of thresholds', () => {
  test('also if they are set at the same time, with its own key or by an operator', async () => {
    const operator = api.keys.operator;
    const set = (key: string, from: number) =>
      Array.from({ length: MAX_THRESHOLDS }, (_, index) =>
        put(
          `t${from + index}`,
          { amount_cents: 1 },
          key,
          key === operator ? '?tenant_id=acme' : '',
        ),
      );
    const answers = await Promise.all([...set(api.keys.acme, 0), ...set(operator, 10)]);
    const statuses = answers.map(({ status }) => status);
    const { thresholds } = await list(api.keys.acme, '?limit=100');
    expect(thresholds).toHaveLength(MAX_THRESHOLDS);
    expect(statuses.filter((status) => status === 201)).toHaveLength(MAX_THRESHOLDS);
    expect(statuses.filter((status) => ![200, 201, 409].includes(status))).toEqual([]);
    const one = String(thresholds[0]?.threshold_id);
    // One that exists can be changed, and a removed one makes room.
    expect((await put(one, { amount_cents: 2 })).status).toBe(200);
    expect(await put('more', { amount_cents: 1 })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('remove one first') as unknown },
    });
    await remove(one);
    expect((await put('more', { amount_cents: 1 })).status).toBe(201);
  });

  test('concurrent changes of one leave one in force', async () => {
    const values = Array.from({ length: 10 }, (_, index) => ({ amount_cents: index + 1 }));
    await Promise.all(values.map((value) => put('more', value)));
    const { thresholds } = await list(api.keys.acme, '?limit=100');
    expect(thresholds.filter(({ threshold_id }) => threshold_id === 'more')).toHaveLength(1);
  });
});

test('thresholds of a tenant can be set only so often in 24 hours', async () => {
  const before = (age: string, count: number) =>
    asSuperuser(api.superuserUrl, (client) =>
      client.query(
        `INSERT INTO spend_thresholds
           (tenant_id, threshold_id, amount_cents, set_by, set_at, removed_by, removed_at)
         SELECT 'often', 'x', n, 'test', now() - $1::interval, 'test', now()
         FROM generate_series(1, $2::integer) n`,
        [age, count],
      ),
    );
  await seedTenant(api.db, 'often');
  const { plainKey: key } = await createKey(api.db, {
    ...{ label: 'often', scope: 'tenant', tenantId: 'often' },
  });
  await before('24:01:00', MAX_SETTINGS_A_DAY);
  await before('23:00:00', MAX_SETTINGS_A_DAY - 2);
  const operator = [api.keys.operator, '?tenant_id=often'] as const;
  expect((await put('x', { amount_cents: 1 }, key)).status).toBe(201);
  expect((await put('x', { amount_cents: 2 }, ...operator)).status).toBe(200);
  for (const caller of [[key] as const, operator]) {
    for (const id of ['x', 'y']) {
      expect(await put(id, { amount_cents: 3 }, ...caller)).toMatchObject({
        status: 409,
        body: {
          detail:
            'thresholds of tenant often were set 200 times in the last 24 hours, which is the maximum: try again later',
        },
      });
    }
  }
  // What is in force stays, can be confirmed, and can be removed.
  expect((await put('x', { amount_cents: 2 }, key)).status).toBe(200);
  expect((await list(key)).thresholds).toMatchObject([{ threshold_id: 'x', amount_cents: 2 }]);
  expect((await remove('x', key)).status).toBe(200);
  expect((await put('x', { amount_cents: 2 }, key)).status).toBe(409);
  // Other tenants have limits of their own.
  expect((await put('x', { amount_cents: 1 }, api.keys.zeta)).status).toBe(201);
  await remove('x', api.keys.zeta);
});
