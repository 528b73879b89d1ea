import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/sql.ts';
import { insertAssignments, insertTreatments } from '../../src/db/tax/tax-data.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
  await api.db.query(sql.typeAlias('nothing')`
    INSERT INTO addons (addon_code, resource_kind, qty, price_cents)
    VALUES ('storage_50gb', 'spaces_gb_month', 50, 750)`);
});
afterAll(() => api[Symbol.asyncDispose]());

const post = (body: unknown) => api.call('post', '/api/v1/quote', { key: api.keys.acme, body });

test('matches the worked example of docs/spec.md#the-quote', async () => {
  const response = await post({
    plan_code: 'studio',
    addons: ['storage_50gb'],
    projected_usage: { droplet_hours: '744', llm_tokens: '1500000', spaces_gb_month: '200' },
    starts_on: '2026-05-20',
  });
  expect(response.status).toBe(200);
  expect(response.body).toMatchObject({
    currency: 'AUD',
    recurring: { monthly_total_cents: 5750 },
    first_invoice: {
      period_start: '2026-05-20',
      period_end: '2026-05-31',
      prorated_total_cents: 2225,
      allowances: [
        { resource_kind: 'droplet_hours', allowance: '288' },
        { resource_kind: 'llm_tokens', allowance: '387096.774193548387' },
        {
          resource_kind: 'spaces_gb_month',
          included_qty: '38.709677419355',
          addon_qty: '19.354838709677',
          allowance: '58.064516129032',
          hard_cap_qty: null,
        },
        { resource_kind: 'snapshots', allowance: '1.161290322581' },
      ],
      tax_cents: 223,
      total_cents: 2448,
    },
    overage: {
      monthly_total_cents: 600,
      lines: [
        { resource_kind: 'llm_tokens', qty: '500000', amount_cents: 500 },
        { resource_kind: 'spaces_gb_month', qty: '50', amount_cents: 100 },
      ],
    },
    all_in_monthly_cents: 6350,
    tax: { treatment: 'gst', label: 'GST', rate: '0.10', note: null, seller_registered: true },
    tax_cents: 635,
    total_cents: 6985,
  });
});

test('a plan that is not prorated has a full first month, whatever the start date', async () => {
  await api.db.query(sql.typeAlias('nothing')`INSERT INTO plans VALUES ('fixed')`);
  await api.db.query(sql.typeAlias('nothing')`
    INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
    VALUES ('fixed', 1, 'AUD', 4000, 'none')`);
  const { body } = await post({ plan_code: 'fixed', starts_on: '2026-05-20' });
  expect(body).toMatchObject({
    first_invoice: {
      period_start: '2026-05-20',
      period_end: '2026-05-31',
      prorated_total_cents: 4000,
      total_cents: 4400,
    },
  });
  expect(body).not.toHaveProperty('first_invoice.lines.0.meta.proration_fraction');
});

describe('tax', () => {
  beforeAll(() =>
    api.db.transaction(async (tx) => {
      const free = { code: 'gst_free', label: 'GST', rate: '0', note: 'GST-free export' };
      await insertTreatments(tx, [free]);
      await insertAssignments(tx, [
        { tenantId: 'zeta', from: '2026-06', entry: 1, treatment: free.code },
      ]);
    }),
  );
  const quoteFor = async (key: string, fields: object) => {
    const body = { plan_code: 'studio', ...fields };
    return (await api.call('post', '/api/v1/quote', { key, body })).body as Taxed;
  };
  interface Taxed {
    readonly tax_cents: number;
    readonly tax: { readonly treatment: string };
  }

  test("is the tenant's own, of the month of the start date", async () => {
    const { operator, acme, zeta } = api.keys;
    const june = { starts_on: '2026-06-01' };
    expect(await quoteFor(zeta, { starts_on: '2026-05-31' })).toMatchObject({ tax_cents: 500 });
    expect(await quoteFor(zeta, june)).toMatchObject({
      first_invoice: { prorated_total_cents: 5000, tax_cents: 0, total_cents: 5000 },
      tax_cents: 0,
      total_cents: 5000,
      tax: { treatment: 'gst_free', rate: '0', note: 'GST-free export' },
    });
    expect(await quoteFor(acme, june)).toMatchObject({ tax_cents: 500 });
    expect(await quoteFor(operator, june)).toMatchObject({ tax_cents: 500 });
    expect(await quoteFor(operator, { ...june, tenant_id: 'zeta' })).toMatchObject({
      tax_cents: 0,
    });
  });

  test('without a start date is that of the current month', async () => {
    expect(await quoteFor(api.keys.zeta, {})).toMatchObject({ tax: { treatment: 'gst_free' } });
  });

  test.each([
    ['operator', 'nobody'],
    ['acme', 'zeta'],
    ['acme', 'nobody'],
  ] as const)('with the key of %s there is no tenant %s', async (key, tenant_id) => {
    const body = { plan_code: 'studio', tenant_id };
    const response = await api.call('post', '/api/v1/quote', { key: api.keys[key], body });
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({
      errors: [{ pointer: '/tenant_id', detail: `there is no tenant ${tenant_id}` }],
    });
  });
});

test('quotes a plan without addons', async () => {
  expect((await post({ plan_code: 'studio' })).body).toMatchObject({
    recurring: { monthly_total_cents: 5000 },
    first_invoice: { period_start: null, period_end: null },
    overage: { lines: [] },
    all_in_monthly_cents: 5000,
  });
});

test('uses the current version of the plan', async () => {
  await api.db.query(sql.typeAlias('nothing')`INSERT INTO plans VALUES ('grown')`);
  await api.db.query(sql.typeAlias('nothing')`
    INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
    VALUES ('grown', 9, 'AUD', 900, 'daily'), ('grown', 10, 'AUD', 1000, 'daily')`);
  expect((await post({ plan_code: 'grown' })).body).toMatchObject({
    recurring: { lines: [{ meta: { plan_version_id: 'grown-v10', version: 10 } }] },
  });
});

test('accepts a resource kind named like an object member', async () => {
  await api.db.query(sql.typeAlias('nothing')`INSERT INTO plans VALUES ('odd')`);
  await api.db.query(sql.typeAlias('nothing')`
    INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
    VALUES ('odd', 1, 'AUD', 0, 'daily')`);
  await api.db.query(sql.typeAlias('nothing')`
    INSERT INTO plan_items
      (plan_version_id, position, resource_kind, overage_price_cents, overage_unit)
    VALUES ('odd-v1', 1, '__proto__', 3, 'gb'), ('odd-v1', 2, 'constructor', 5, 'gb')`);
  const response = await api.call('post', '/api/v1/quote', {
    key: api.keys.operator,
    raw: '{"plan_code":"odd","projected_usage":{"__proto__":"2"}}',
  });
  expect(response.body).toMatchObject({
    overage: { monthly_total_cents: 6, lines: [{ resource_kind: '__proto__' }] },
  });
});

describe('usage of a kind outside the plan', () => {
  test('is rejected if no plan has the kind, naming it', async () => {
    const response = await post({
      plan_code: 'studio',
      projected_usage: {
        llm_token: '1500000',
        spaces_gb_month: '200',
        __proto__x: '0',
        gone: null,
      },
    });
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({
      errors: [
        {
          pointer: '/projected_usage/llm_token',
          detail: 'no plan has a resource kind "llm_token"',
        },
        { pointer: '/projected_usage/__proto__x' },
        { pointer: '/projected_usage/gone' },
      ],
    });
  });

  test('is ignored with a warning if another plan has the kind', async () => {
    await api.db.query(sql.typeAlias('nothing')`INSERT INTO plans VALUES ('with_zones')`);
    await api.db.query(sql.typeAlias('nothing')`
      INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
      VALUES ('with_zones', 1, 'AUD', 0, 'daily')`);
    await api.db.query(sql.typeAlias('nothing')`
      INSERT INTO plan_items
        (plan_version_id, position, resource_kind, overage_price_cents, overage_unit)
      VALUES ('with_zones-v1', 1, 'dns~zones/eu', 3, 'zone')`);
    const usage = { 'dns~zones/eu': '5', llm_tokens: '1500000' };
    const response = await post({ plan_code: 'studio', projected_usage: usage });
    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({
      overage: { monthly_total_cents: 500, lines: [{ resource_kind: 'llm_tokens' }] },
      warnings: [
        {
          pointer: '/projected_usage/dns~0zones~1eu',
          detail: 'plan studio has no dns~zones/eu: its usage is not billed',
        },
      ],
    });
  });

  test('gives no warning if the plan has every kind', async () => {
    const response = await post({ plan_code: 'studio', projected_usage: { llm_tokens: '1' } });
    expect(response.body).toMatchObject({ warnings: [] });
  });
});

test('a line has the unit of its item, including null', async () => {
  await api.db.query(sql.typeAlias('nothing')`INSERT INTO plans VALUES ('unitless')`);
  await api.db.query(sql.typeAlias('nothing')`
    INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
    VALUES ('unitless', 1, 'AUD', 0, 'daily')`);
  await api.db.query(sql.typeAlias('nothing')`
    INSERT INTO plan_items (plan_version_id, position, resource_kind, overage_price_cents)
    VALUES ('unitless-v1', 1, 'seats', 7)`);
  const response = await post({ plan_code: 'unitless', projected_usage: { seats: '3' } });
  expect(response.body).toMatchObject({
    overage: { lines: [{ resource_kind: 'seats', unit: null, amount_cents: 21 }] },
  });
});

describe('rejects a request, naming the field', () => {
  test.each([
    ['an unknown plan', { plan_code: 'nothing' }, '/plan_code'],
    ['no plan', {}, '/plan_code'],
    ['an unknown addon', { addons: ['storage_50gb', 'nothing'] }, '/addons/1'],
    ['addons that are no list', { addons: 'storage_50gb' }, '/addons'],
    ['a float', { projected_usage: { llm_tokens: 1.5 } }, '/projected_usage/llm_tokens'],
    ['an exponent', { projected_usage: { llm_tokens: '1e3' } }, '/projected_usage/llm_tokens'],
    ['NaN', { projected_usage: { llm_tokens: 'NaN' } }, '/projected_usage/llm_tokens'],
    ['a negative', { projected_usage: { llm_tokens: '-1' } }, '/projected_usage/llm_tokens'],
    ['usage that is a list', { projected_usage: [] }, '/projected_usage'],
    ['usage that is a text', { projected_usage: 'much' }, '/projected_usage'],
    ['30 February', { starts_on: '2026-02-30' }, '/starts_on'],
    ['an instant', { starts_on: '2026-05-20T00:00:00Z' }, '/starts_on'],
    ['an unknown field', { currency: 'AUD' }, '/currency'],
  ])('%s', async (name, fields, pointer) => {
    const response = await post({ ...(name !== 'no plan' && { plan_code: 'studio' }), ...fields });
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({ errors: [{ pointer }] });
  });

  test('with an amount beyond what can be billed', async () => {
    await api.db.query(sql.typeAlias('nothing')`
      INSERT INTO addons (addon_code, resource_kind, qty, price_cents)
      VALUES ('one_cent', 'none', 0, 1)`);
    const response = await post({ plan_code: 'huge', addons: ['one_cent'] });
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({
      detail: expect.stringContaining('2^53') as string,
    });
  });
});
