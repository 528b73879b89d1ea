import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADDON, JUNE, MAY, PLAN, operatorOf, problemOf, type Operator } from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
let operator: Operator;
beforeAll(async () => {
  api = await createTestApi();
  operator = operatorOf(api);
});
afterAll(() => api[Symbol.asyncDispose]());

const none = { new: 0, changed: 0, unchanged: 0 };
const version = (number: number, base_price_cents = 5000) => ({
  version: number,
  ...PLAN,
  base_price_cents,
  proration: 'daily',
});
const catalogue = (code: string, versions: readonly object[]) => ({
  units: [{ code: `${code}-unit`, factor: '12', label: 'dozen', label_plural: 'dozens' }],
  plans: [{ code, versions }],
  addons: [{ code: `${code}-more`, ...ADDON }],
});

function tenant(name: string, subscriptions: readonly object[], more: object = {}) {
  const full = subscriptions.map((subscription, index) => ({
    subscription_id: `${name}-${index}`,
    plan: { code: 'studio', version: 1 },
    starts_at: MAY,
    ...subscription,
  }));
  const deployments = [{ deployment_id: name, subscriptions: full }];
  return { tenant_id: name, name, currency: 'AUD', deployments, ...more };
}

describe('the catalogue', () => {
  test('counts new, changed and unchanged entries, and a dry run reports the same without writing', async () => {
    const dry = await operator.put('catalogue?dry_run=true', catalogue('bulk', [version(1)]));
    const isNew = { new: 1, changed: 0, unchanged: 0 };
    const changes = { units: isNew, plan_versions: isNew, addons: isNew };
    expect([dry.status, dry.body]).toEqual([200, { dry_run: true, changes }]);
    expect((await operator.get('plans/bulk/versions/1')).status).toBe(404);
    expect((await operator.get('addons/bulk-more')).status).toBe(404);

    const real = await operator.put('catalogue?dry_run=false', catalogue('bulk', [version(1)]));
    expect(real.body).toEqual({ dry_run: false, changes });
    const { plans } = catalogue('bulk', [version(1), version(2)]);
    const addons = [{ code: 'bulk-more', ...ADDON, price_cents: 1 }];
    expect((await operator.put('catalogue', { plans, addons })).body).toEqual({
      dry_run: false,
      changes: {
        units: none,
        plan_versions: { new: 1, changed: 0, unchanged: 1 },
        addons: { new: 0, changed: 1, unchanged: 0 },
      },
    });
    expect((await operator.get('addons/bulk-more')).body).toMatchObject({ price_cents: 1 });
    expect((await operator.put('catalogue', {})).body).toMatchObject({
      changes: { units: none, plan_versions: none, addons: none },
    });
  });

  test.each(['', '?dry_run=true'])('writes nothing if there is one conflict%s', async (query) => {
    await operator.put('plans/whole/versions/1', PLAN);
    const refused = await operator.put(
      `catalogue${query}`,
      catalogue('whole', [version(2), version(1, 1)]),
    );
    expect(problemOf(refused)).toEqual({
      status: 409,
      problem: 'catalogue-conflict',
      places: ['/plans/0/versions/1'],
    });
    expect((await operator.get('plans/whole/versions/2')).status).toBe(404);
    expect((await operator.get('addons/whole-more')).status).toBe(404);
  });

  test('lists units, the built-in ones first', async () => {
    await operator.put('catalogue', catalogue('listed', []));
    const { units } = (await operator.get('units')).body as { readonly units: readonly object[] };
    expect(units[0]).toEqual({
      code: '1k_tokens',
      factor: '1000',
      label: null,
      label_plural: null,
    });
    expect(units).toContainEqual(catalogue('listed', []).units[0]);
  });

  test('refuses another factor of a unit, and an undefined unit', async () => {
    const { units } = catalogue('kept', []);
    await operator.put('catalogue', { units });
    const other = await operator.put('catalogue', { units: [{ ...units[0], factor: '144' }] });
    expect(problemOf(other)).toEqual({
      status: 409,
      problem: 'catalogue-conflict',
      places: ['/units/0'],
    });
    const items = [{ resource_kind: 'eggs', overage_price_cents: '5', overage_unit: 'egg-unit' }];
    expect(problemOf(await operator.put('plans/eggs/versions/1', { ...PLAN, items }))).toEqual({
      status: 422,
      problem: 'invalid-request',
      places: ['/items/0/overage_unit'],
    });
  });

  test('serves decimal prices as text, and quotes with them and with units of the catalogue', async () => {
    const items = [
      { resource_kind: 'eggs', overage_price_cents: '0.04250', overage_unit: 'kitchen-unit' },
      { resource_kind: 'llm_tokens', overage_price_cents: 250, overage_unit: '1m_tokens' },
    ];
    const { units } = catalogue('kitchen', []);
    const plans = [{ code: 'kitchen', versions: [{ ...version(1, 0), items }] }];
    expect((await operator.put('catalogue', { units, plans })).status).toBe(200);
    expect((await operator.get('plans/kitchen/versions/1')).body).toMatchObject({
      items: [{ overage_price_cents: '0.0425' }, { overage_price_cents: '250' }],
    });
    const projected_usage = { eggs: '1412', llm_tokens: '1500000' };
    const quote = await operator.post('quote', { plan_code: 'kitchen', projected_usage });
    // 1412 × 0.0425 ÷ 12 = 5.00083… cents; 1.5 × 250 cents.
    expect(quote.body).toMatchObject({
      recurring: { lines: [{ unit_price_cents: '0' }] },
      overage: {
        lines: [
          {
            unit: 'kitchen-unit',
            unit_price_cents: '0.0425',
            amount_cents: 5,
            meta: { unit_factor: '12' },
          },
          { unit: '1m_tokens', unit_price_cents: '250', amount_cents: 375 },
        ],
      },
    });
  });
});

describe('tenants and subscriptions', () => {
  test('are counted, with warnings, and a dry run reports the same without writing', async () => {
    const tenants = [
      tenant('one', [{}]),
      tenant('two', [
        { plan: null, ends_at: JUNE },
        { plan: { code: 'yankee', version: 1 }, starts_at: JUNE },
      ]),
    ];
    const expected = {
      changes: {
        tenants: { new: 2, changed: 0, unchanged: 0 },
        deployments: { new: 2, changed: 0, unchanged: 0 },
        subscriptions: { new: 3, changed: 0, unchanged: 0 },
        subscription_addons: none,
        tax_treatments: none,
      },
      warnings: [
        {
          pointer: '/tenants/1/deployments/0/subscriptions/0/plan',
          detail: 'subscription two-0 has no plan: month end will park tenant two',
        },
        {
          pointer: '/tenants/1/deployments/0/subscriptions/1/plan',
          detail: expect.stringContaining('yankee-v1 is in USD'),
        },
      ],
    };
    const dry = await operator.put('subscriptions?dry_run=true', { tenants });
    expect([dry.status, dry.body]).toEqual([200, { dry_run: true, ...expected }]);
    expect((await operator.get('tenants/one')).status).toBe(404);
    expect((await operator.get('subscriptions/two-1')).status).toBe(404);

    const real = await operator.put('subscriptions', { tenants });
    expect(real.body).toEqual({ dry_run: false, ...expected });
    const ended = [tenant('one', [{ ends_at: JUNE }], { name: 'Renamed' })];
    expect((await operator.put('subscriptions', { tenants: ended })).body).toMatchObject({
      changes: {
        tenants: { new: 0, changed: 1, unchanged: 0 },
        deployments: { new: 0, changed: 0, unchanged: 1 },
        subscriptions: { new: 0, changed: 1, unchanged: 0 },
      },
    });
    expect((await operator.get('subscriptions/one-0')).body).toMatchObject({ ends_at: JUNE });
    expect((await operator.get('tenants/one')).body).toMatchObject({ name: 'Renamed' });
  });

  test.each(['', '?dry_run=true'])('are not written if there is one error%s', async (query) => {
    const good = tenant('good', [{}]);
    const put = async (other: object) =>
      problemOf(await operator.put(`subscriptions${query}`, { tenants: [good, other] }));
    expect(await put(tenant('acme', [], { currency: 'USD', deployments: [] }))).toEqual({
      status: 409,
      problem: 'data-conflict',
      places: ['/tenants/1/currency'],
    });
    const gone = { plan: { code: 'gone', version: 1 } };
    expect(await put(tenant('bad', [gone], { currency: 'USD' }))).toEqual({
      status: 422,
      problem: 'invalid-request',
      places: ['/tenants/1/deployments/0/subscriptions/0/plan'],
    });
    // Invalid values are reported before conflicts with stored data.
    expect(await put(tenant('acme', [gone], { currency: 'USD' }))).toEqual({
      status: 422,
      problem: 'invalid-request',
      places: ['/tenants/1/currency', '/tenants/1/deployments/0/subscriptions/0/plan'],
    });
    expect(await put(tenant('bad', [{}, { starts_at: JUNE }]))).toMatchObject({
      status: 422,
      places: ['/tenants/1/deployments/0/subscriptions/1/starts_at'],
    });
    expect((await operator.get('tenants/good')).status).toBe(404);
    expect((await operator.get('subscriptions/good-0')).status).toBe(404);
  });

  test('report the first of very many errors', async () => {
    const plan = { code: 'gone', version: 1 };
    const tenants = Array.from({ length: 100 }, (_, i) => tenant(`many-${i}`, [{ plan }]));
    const refused = problemOf(await operator.put('subscriptions', { tenants }));
    expect([refused.status, refused.places?.length]).toEqual([422, 20]);
  });

  test('are applied in large numbers', async () => {
    const tenants = Array.from({ length: 3000 }, (_, i) => tenant(`lot-${i}`, [{}]));
    const answer = await operator.put('subscriptions', { tenants });
    expect([answer.status, answer.body]).toEqual([
      200,
      expect.objectContaining({
        changes: expect.objectContaining({
          subscriptions: { new: 3000, changed: 0, unchanged: 0 },
        }),
      }),
    ]);
  });
});
