import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/sql.ts';
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
    },
    overage: {
      monthly_total_cents: 600,
      lines: [
        { resource_kind: 'llm_tokens', qty: '500000', amount_cents: 500 },
        { resource_kind: 'spaces_gb_month', qty: '50', amount_cents: 100 },
      ],
    },
    all_in_monthly_cents: 6350,
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
