import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/pool.ts';
import { applyCatalogueFile } from '../../src/catalogue/apply-catalogue.ts';
import {
  ADDON,
  JULY,
  JUNE,
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

const BASIC = { code: 'basic', version: 1 };

describe('the catalogue', () => {
  test('a plan version never changes', async () => {
    const path = 'plans/fixed/versions/1';
    const created = await operator.put(path, PLAN);
    expect(created.status).toBe(201);
    expect(created.body).toEqual({ code: 'fixed', version: 1, ...PLAN });
    const items = PLAN.items.map((item) => ({
      ...item,
      included_qty: item.included_qty && '100.00',
    }));
    expect((await operator.put(path, { ...PLAN, items })).status).toBe(200);

    for (const other of [
      { ...PLAN, base_price_cents: 5001 },
      { ...PLAN, name: 'Other' },
      { ...PLAN, currency: 'USD' },
      { ...PLAN, items: PLAN.items.toReversed() },
      { ...PLAN, proration: 'none' },
      { ...PLAN, items: [] },
    ]) {
      const refused = await operator.put(path, other);
      expect(problemOf(refused)).toEqual({
        status: 409,
        problem: 'catalogue-conflict',
        places: [''],
      });
      expect(refused.body).toMatchObject({ detail: expect.stringContaining('create version 2') });
    }
    expect((await operator.get(path)).body).toEqual(created.body);
    expect((await operator.put('plans/fixed/versions/2', { ...PLAN, items: [] })).status).toBe(201);
  });

  test('an addon can change', async () => {
    expect((await operator.put('addons/change', ADDON)).status).toBe(201);
    const changed = await operator.put('addons/change', { ...ADDON, price_cents: 1 });
    expect([changed.status, changed.body]).toEqual([
      200,
      { code: 'change', ...ADDON, price_cents: 1 },
    ]);
    expect((await operator.get('addons/change')).body).toEqual(changed.body);
  });
});

describe('tenants, deployments and subscriptions', () => {
  test('a tenant can be renamed, but keeps its currency', async () => {
    expect((await operator.put('tenants/named', { name: 'A', currency: 'AUD' })).status).toBe(201);
    const renamed = await operator.put('tenants/named', { name: 'B', currency: 'AUD' });
    expect([renamed.status, renamed.body]).toEqual([
      200,
      { tenant_id: 'named', name: 'B', currency: 'AUD', buyer: null, tax: [] },
    ]);
    expect(problemOf(await operator.put('tenants/named', { name: 'C', currency: 'USD' }))).toEqual({
      status: 409,
      problem: 'data-conflict',
      places: ['/currency'],
    });
    expect((await operator.get('tenants/named')).body).toEqual(renamed.body);
  });

  test('a deployment cannot move to another tenant', async () => {
    await createTenant(operator, 'owner');
    expect(problemOf(await operator.put('deployments/owner', { tenant_id: 'acme' }))).toEqual({
      status: 409,
      problem: 'data-conflict',
      places: ['deployment_id'],
    });
    expect((await operator.get('deployments/owner')).body).toEqual({
      deployment_id: 'owner',
      tenant_id: 'owner',
    });
  });

  test.each<[string, object, string]>([
    ['another plan', { plan: { code: 'basic', version: 2 } }, '/plan'],
    ['no plan any more', { plan: null }, '/plan'],
    ['another deployment', { deployment_id: 'acme-a' }, 'subscription_id'],
    ['an attached addon left out', { addons: [] }, '/addons'],
  ])('a subscription cannot change: %s', async (name, other, place) => {
    const tenant = `keeps-${name.replaceAll(' ', '-')}`;
    const id = await createTenant(operator, tenant, { addons: [{ code: 'more' }] });
    await operator.put('plans/basic/versions/2', PLAN);
    const before = (await operator.get(`subscriptions/${id}`)).body as unknown;
    const body = { deployment_id: tenant, plan: BASIC, starts_at: MAY, ...other };
    const refused = problemOf(await operator.put(`subscriptions/${id}`, body));
    expect(refused).toMatchObject({ status: 409, problem: 'data-conflict' });
    expect(refused.places).toContain(place);
    expect((await operator.get(`subscriptions/${id}`)).body).toEqual(before);
  });

  test('an overlap is reported with a pointer', async () => {
    await createTenant(operator, 'lap', { starts_at: JUNE, ends_at: JULY });
    const put = (starts_at: string, ends_at: string | null) =>
      operator.put('subscriptions/lap-2', {
        deployment_id: 'lap',
        plan: BASIC,
        starts_at,
        ends_at,
      });
    const conflict = { status: 409, problem: 'data-conflict' };
    const within = '2026-06-15T00:00:00Z';
    expect(problemOf(await put(within, null))).toEqual({ ...conflict, places: ['/starts_at'] });
    expect(problemOf(await put(MAY, within))).toEqual({ ...conflict, places: ['/ends_at'] });
    expect((await put(MAY, JUNE)).status).toBe(201);
    expect((await put(MAY, JUNE)).status).toBe(200);
  });

  test('PUT moves instants, and keeps the addons if it has none', async () => {
    const id = await createTenant(operator, 'moves', { addons: [{ code: 'more', ends_at: JULY }] });
    const body = { deployment_id: 'moves', plan: BASIC, starts_at: JUNE, ends_at: JULY };
    const moved = await operator.put(`subscriptions/${id}`, body);
    expect(moved.status).toBe(200);
    const addons = [
      { code: 'more', ...ADDON, starts_at: MAY, ends_at: JULY, allow_repeated: false },
    ];
    expect(moved.body).toEqual({
      subscription_id: id,
      tenant_id: 'moves',
      status: 'cancelled',
      warnings: [],
      ...body,
      addons,
    });
    const { body: stored } = await operator.get(`subscriptions/${id}`);
    expect(moved.body).toEqual({ ...(stored as object), warnings: [] });
    const lifted = await operator.put(`subscriptions/${id}`, { ...body, ends_at: null });
    expect(lifted.body).toMatchObject({ status: 'active', ends_at: null, addons });
  });

  test('a subscription without a plan is accepted with a warning and can get one later', async () => {
    const id = await createTenant(operator, 'planless', { plan: null });
    const put = (plan: object | null) =>
      operator.put(`subscriptions/${id}`, { deployment_id: 'planless', plan, starts_at: MAY });
    expect((await put(null)).body).toMatchObject({
      plan: null,
      warnings: [
        { pointer: '/plan', detail: expect.stringContaining('will park tenant planless') },
      ],
    });
    expect((await put(BASIC)).body).toMatchObject({ plan: BASIC, warnings: [] });
  });
});

describe('a missing resource', () => {
  test.each<[string, object, string]>([
    ['deployments/none', { tenant_id: 'nobody' }, '/tenant_id'],
    [
      'subscriptions/none',
      { deployment_id: 'nowhere', plan: null, starts_at: MAY },
      '/deployment_id',
    ],
    [
      'subscriptions/none',
      { deployment_id: 'acme-a', plan: { code: 'gone', version: 1 }, starts_at: null },
      '/plan',
    ],
    [
      'subscriptions/none',
      {
        deployment_id: 'acme-a',
        plan: null,
        starts_at: null,
        addons: [{ code: 'gone', starts_at: MAY }],
      },
      '/addons/0/code',
    ],
  ])('named by a body is 422: %s', async (path, body, place) => {
    expect(problemOf(await operator.put(path, body))).toEqual({
      status: 422,
      problem: 'invalid-request',
      places: [place],
    });
    expect((await operator.get(path)).status).toBe(404);
  });

  test.each([
    'plans/gone/versions/1',
    'plans/studio/versions/2147483647',
    'addons/constructor',
    'tenants/toString',
    'deployments/gone',
    'subscriptions/gone',
  ])('named by a path is 404: %s', async (path) => {
    expect((await operator.get(path)).status).toBe(404);
  });
});

describe('invalid bodies and paths', () => {
  const item = PLAN.items[0];
  test.each<[string, object, readonly string[]]>([
    ['tenants/__proto__', { name: 'x', currency: 'AUD' }, ['tenant_id']],
    ['plans/basic/versions/0', PLAN, ['version']],
    ['plans/basic/versions/2147483648', PLAN, ['version']],
    ['plans/basic/versions/1', { ...PLAN, items: [item, item] }, ['/items/1/resource_kind']],
    [
      'plans/basic/versions/1',
      { ...PLAN, items: [{ ...item, overage_unit: undefined }] },
      ['/items/0/overage_unit'],
    ],
    [
      'plans/basic/versions/1',
      { ...PLAN, base_price_cents: -1, extra: 1 },
      ['/base_price_cents', '/extra'],
    ],
    ['addons/more', { ...ADDON, qty: 1.5 }, ['/qty']],
    [
      'subscriptions/wrong',
      { deployment_id: 'acme-a', plan: null, starts_at: JULY, ends_at: JUNE },
      ['/ends_at'],
    ],
    [
      'subscriptions/wrong',
      { deployment_id: 'acme-a', plan: null, starts_at: null, addons: [{ code: 'more' }] },
      ['/addons/0/starts_at'],
    ],
  ])('%s', async (path, body, places) => {
    const answer = problemOf(await operator.put(path, body));
    expect(answer).toEqual({ status: 422, problem: 'invalid-request', places });
  });

  test('a field __proto__ is rejected', async () => {
    const raw = '{"name":"x","currency":"AUD","__proto__":{"a":1}}';
    const path = '/api/v1/tenants/proto';
    const answer = await api.call('put', path, { key: api.keys.operator, raw });
    expect(problemOf(answer)).toMatchObject({ status: 422, places: ['/__proto__'] });
  });

  test('constructor is an ordinary name', async () => {
    const id = await createTenant(operator, 'constructor');
    await operator.put('addons/constructor', ADDON);
    const attached = await operator.post(`subscriptions/${id}/addons`, {
      code: 'constructor',
      starts_at: MAY,
    });
    expect(attached.status).toBe(201);
  });
});

describe('concurrent requests', () => {
  test('with the same content create it once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => operator.put('plans/race/versions/1', PLAN)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array<number>(7).fill(200),
      201,
    ]);
  });

  test('with different content keep the first one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, cents) =>
        operator.put('plans/race/versions/2', { ...PLAN, base_price_cents: cents }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      201,
      ...Array<number>(7).fill(409),
    ]);
    const first = answers.find(({ status }) => status === 201);
    expect((await operator.get('plans/race/versions/2')).body).toEqual(first?.body);
  });

  test('from several processes wait for each other in the database', async () => {
    const others = await Promise.all(
      [1, 2, 3].map(() =>
        openDatabase({ url: api.superuserUrl, maxConnections: 2, applicationName: 'another' }),
      ),
    );
    try {
      const text = JSON.stringify({
        plans: [{ code: 'processes', versions: [{ version: 1, ...PLAN }] }],
      });
      const [answer, ...results] = await Promise.all([
        operator.put('plans/processes/versions/1', PLAN),
        ...others.map((db) =>
          applyCatalogueFile(db, { name: 'catalogue', bytes: Buffer.from(text) }),
        ),
      ]);
      const created = results.flatMap(({ newVersions }) => newVersions).length;
      expect(created + (answer.status === 201 ? 1 : 0)).toBe(1);
      expect([200, 201]).toContain(answer.status);
    } finally {
      await Promise.all(others.map((db) => db.end()));
    }
  });

  test('for overlapping subscriptions of a deployment create one', async () => {
    await createTenant(operator, 'crowd', { starts_at: MAY, ends_at: JUNE });
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        operator.put(`subscriptions/crowd-new-${index}`, {
          deployment_id: 'crowd',
          plan: BASIC,
          starts_at: JUNE,
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      201,
      ...Array<number>(5).fill(409),
    ]);
  });
});
