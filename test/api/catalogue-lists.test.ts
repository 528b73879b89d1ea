import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ADDON,
  JULY,
  MAY,
  PLAN,
  createTenant,
  operatorOf,
  problemOf,
  type Operator,
} from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
let operator: Operator;
beforeAll(async () => {
  api = await createTestApi();
  operator = operatorOf(api);
});
afterAll(() => api[Symbol.asyncDispose]());

type Entry = Readonly<Record<string, unknown>>;
interface Page {
  readonly next_cursor: string | null;
}

/** All pages of a list. @param between runs after each page */
async function readAll(
  path: string,
  field: string,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let cursor: string | null = null;
  do {
    const at: string = cursor === null ? '' : `&cursor=${cursor}`;
    const { status, body } = await operator.get(`${path}${at}`);
    if (status !== 200) throw new Error(`${path}${at} was answered with ${status}`);
    entries.push(...(body as Record<string, readonly Entry[]>)[field]!);
    cursor = (body as Page).next_cursor;
    await between();
  } while (cursor !== null);
  return entries;
}

/** How to create one more of a kind. */
const MAKERS: Readonly<Record<string, (id: string) => Promise<{ readonly status: number }>>> = {
  plans: (id) => operator.put(`plans/${id}/versions/1`, { ...PLAN, items: [] }),
  addons: (id) => operator.put(`addons/${id}`, ADDON),
  tenants: (id) => operator.put(`tenants/${id}`, { name: id, currency: 'AUD' }),
  deployments: (id) => operator.put(`deployments/${id}`, { tenant_id: 'acme' }),
  subscriptions: (id) =>
    operator.put(`subscriptions/${id}`, { deployment_id: 'acme-a', plan: null, starts_at: null }),
};

describe.each([
  ['plans', 'plan_versions', 'code'],
  ['addons', 'addons', 'code'],
  ['tenants', 'tenants', 'tenant_id'],
  ['deployments', 'deployments', 'deployment_id'],
  ['subscriptions', 'subscriptions', 'subscription_id'],
])('%s', (path, field, key) => {
  test('list each once, in order, even if some are added between pages', async () => {
    const make = MAKERS[path]!;
    const ids = ['b', 'd', 'f', 'h', 'j', 'l', 'n'].map((letter) => `page-${letter}`);
    for (const id of ids) expect((await make(id)).status).toBe(201);
    const before = await readAll(`${path}?limit=200`, field);

    // Before, between and after what was read.
    const inserted = ['a', 'e', 'z', 'k', 'c', 'g', 'i', 'm'].map((letter) => `page-${letter}`);
    const waiting = [...inserted];
    const paged = await readAll(`${path}?limit=2`, field, async () => {
      const id = waiting.shift();
      if (id !== undefined) await make(id);
    });
    const late = new Set(inserted);
    expect(paged.filter((entry) => !late.has(entry[key] as string))).toEqual(before);
    const seen = paged.map((entry) => entry[key]);
    // Those after the reading position are listed, and none twice.
    expect(seen).toContain('page-z');
    expect(new Set(paged.map((entry) => JSON.stringify(entry))).size).toBe(paged.length);
    expect(await readAll(`${path}?limit=3`, field)).toEqual(
      await readAll(`${path}?limit=200`, field),
    );
  });

  test.each([
    ['cursor=nonsense', 'cursor'],
    [`cursor=${Buffer.from('{"a":1}').toString('base64url')}`, 'cursor'],
    [`cursor=${'x'.repeat(201)}`, 'cursor'],
    ['limit=0', 'limit'],
    ['limit=501', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['other=1', 'other'],
  ])('?%s is 422', async (query, parameter) => {
    expect(problemOf(await operator.get(`${path}?${query}`))).toEqual({
      status: 422,
      problem: 'invalid-request',
      places: [parameter],
    });
  });
});

test('plan versions are listed with their items, by number', async () => {
  for (const version of [10, 9, 1]) await operator.put(`plans/many/versions/${version}`, PLAN);
  const versions = (await readAll('plans?limit=2', 'plan_versions')).filter(
    ({ code }) => code === 'many',
  );
  expect(versions).toEqual([1, 9, 10].map((version) => ({ code: 'many', version, ...PLAN })));
});

test('deployments and subscriptions can be filtered', async () => {
  const id = await createTenant(operator, 'filter', { addons: [{ code: 'more' }] });
  await operator.put('deployments/filter-2', { tenant_id: 'filter' });
  const plan = { code: 'basic', version: 1 };
  const second = { deployment_id: 'filter-2', plan, starts_at: MAY, ends_at: JULY };
  await operator.put('subscriptions/filter-2', second);
  await operator.put('subscriptions/filter-3', {
    deployment_id: 'filter-2',
    plan,
    starts_at: null,
  });
  const ids = async (query: string) =>
    (await readAll(`subscriptions?limit=1${query}`, 'subscriptions')).map(
      ({ subscription_id }) => subscription_id,
    );

  expect(await readAll('deployments?tenant_id=filter&limit=1', 'deployments')).toEqual([
    { deployment_id: 'filter', tenant_id: 'filter' },
    { deployment_id: 'filter-2', tenant_id: 'filter' },
  ]);
  expect(await ids('&tenant_id=filter')).toEqual([id, 'filter-2', 'filter-3']);
  expect(await ids('&deployment_id=filter-2')).toEqual(['filter-2', 'filter-3']);
  expect(await ids('&tenant_id=filter&status=active')).toEqual([id]);
  expect(await ids('&tenant_id=filter&status=cancelled')).toEqual(['filter-2']);
  expect(await ids('&tenant_id=filter&status=pending')).toEqual(['filter-3']);
  expect(await ids('&tenant_id=acme&deployment_id=filter-2')).toEqual([]);
  for (const list of ['subscriptions', 'deployments']) {
    const unknown = await operator.get(`${list}?tenant_id=nobody`);
    expect([unknown.status, unknown.body]).toEqual([
      404,
      expect.objectContaining({ detail: 'there is no tenant nobody' }),
    ]);
  }
  expect((await operator.get('subscriptions?deployment_id=none')).body).toMatchObject({
    status: 404,
    detail: 'there is no deployment none',
  });
  const [subscription] = await readAll('subscriptions?tenant_id=filter&limit=1', 'subscriptions');
  expect(subscription).toEqual((await operator.get(`subscriptions/${id}`)).body);
  expect(subscription).toMatchObject({ addons: [{ code: 'more', ...ADDON, starts_at: MAY }] });
});
