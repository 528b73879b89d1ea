import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operatorOf, problemOf, type Operator } from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';

const FREE = {
  code: 'free',
  label: 'GST',
  rate: '0',
  note: 'GST-free: supplied outside Australia.',
};
const RATE = { from: 'USD', to: 'AUD', month: '2026-05', rate: '1.5321', source: 'RBA' };
const NONE = { new: 0, changed: 0, unchanged: 0 };
const NEW = { ...NONE, new: 1 };

let api: TestApi;
let operator: Operator;
beforeAll(async () => {
  api = await createTestApi();
  operator = operatorOf(api);
  expect((await operator.put('tax', { treatments: [FREE] })).status).toBe(200);
});
afterAll(() => api[Symbol.asyncDispose]());

const bodyOf = async (path: string) => (await operator.get(path)).body as Record<string, unknown>;

async function newTenant(tax?: readonly object[]): Promise<string> {
  const tenantId = `t-${crypto.randomUUID()}`;
  const created = await operator.put(`tenants/${tenantId}`, { name: 'T', currency: 'AUD', tax });
  expect(created.status).toBe(201);
  return tenantId;
}

describe('tax data', () => {
  test('is added, listed, and unchanged when it is sent again', async () => {
    const tenantId = await newTenant();
    const body = {
      treatments: [{ code: 'vat', label: 'VAT', rate: '0.125', note: null }],
      assignments: [
        { tenant_id: tenantId, treatment: 'vat', from: '2026-05' },
        { tenant_id: tenantId, treatment: 'free', from: '2026-07' },
      ],
      gst_registrations: [{ from: '2001-01', registered: true }],
      exchange_rates: [{ ...RATE, from: 'NZD' }],
    };
    const dry = await operator.put('tax?dry_run=true', body);
    expect(dry.body).toMatchObject({ dry_run: true, changes: { treatments: NEW } });
    const added = await operator.put('tax', body);
    expect(added.body).toEqual({
      dry_run: false,
      changes: {
        treatments: NEW,
        assignments: { ...NONE, new: 2 },
        gst_registrations: NEW,
        exchange_rates: NEW,
      },
      warnings: [],
    });
    const again = await operator.put('tax', body);
    expect(again.body).toMatchObject({
      changes: { treatments: { unchanged: 1 }, assignments: { ...NONE, unchanged: 2 } },
    });

    expect((await bodyOf('tax/treatments')).treatments).toEqual([
      FREE,
      { code: 'gst', label: 'GST', rate: '0.10', note: null },
      body.treatments[0],
    ]);
    expect(await bodyOf(`tax/assignments?tenant_id=${tenantId}`)).toEqual({
      assignments: body.assignments,
      next_cursor: null,
    });
    expect(await bodyOf('tax/gst-registrations')).toMatchObject({
      gst_registrations: expect.arrayContaining(body.gst_registrations) as unknown,
    });
    expect(await bodyOf('tax/exchange-rates?month=2026-05')).toMatchObject({
      exchange_rates: expect.arrayContaining(body.exchange_rates) as unknown,
    });
    expect((await bodyOf(`tenants/${tenantId}`)).tax).toEqual([
      { from: '2026-05', treatment: 'vat' },
      { from: '2026-07', treatment: 'free' },
    ]);
  });

  test('is listed in pages', async () => {
    const rates = ['2025-01', '2025-02', '2025-03'].map((month) => ({ ...RATE, month }));
    await operator.put('tax', { exchange_rates: rates });
    const first = await bodyOf('tax/exchange-rates?limit=1');
    const second = await bodyOf(`tax/exchange-rates?limit=500&cursor=${String(first.next_cursor)}`);
    const months = [first, second].flatMap(({ exchange_rates }) =>
      (exchange_rates as { month: string }[]).map(({ month }) => month),
    );
    expect(months).toEqual(months.toSorted().toReversed());
    expect(months.length).toBeGreaterThanOrEqual(3);
  });

  test('is corrected for a month only by an entry that says so', async () => {
    const rate = { ...RATE, from: 'EUR', rate: '16.31' };
    await operator.put('tax', { exchange_rates: [rate] });
    const right = { ...rate, rate: '1.631' };
    const refused = await operator.put('tax', { exchange_rates: [right] });
    expect(problemOf(refused)).toEqual({
      ...{ status: 409, problem: 'data-conflict', places: ['/exchange_rates/0'] },
    });
    expect(JSON.stringify(refused.body)).toContain('already recorded as 16.31');
    const corrected = await operator.put('tax', { exchange_rates: [{ ...right, replace: true }] });
    expect(corrected.body).toMatchObject({ changes: { exchange_rates: { ...NONE, changed: 1 } } });
    const { exchange_rates } = await bodyOf('tax/exchange-rates?month=2026-05');
    expect(exchange_rates).toContainEqual(right);
    // Sending the correction again changes nothing.
    const again = await operator.put('tax', { exchange_rates: [{ ...right, replace: true }] });
    expect(again.body).toMatchObject({ changes: { exchange_rates: { ...NONE, unchanged: 1 } } });
  });

  test.each<[string, object, string, string]>([
    ['a percentage', { treatments: [{ ...FREE, rate: '10' }] }, '/treatments/0/rate', '0.10'],
    [
      'a percentage with a fraction',
      { treatments: [{ ...FREE, rate: '12.5' }] },
      '/treatments/0/rate',
      '0.125',
    ],
    ['a percentage sign', { treatments: [{ ...FREE, rate: '8%' }] }, '/treatments/0/rate', '0.08'],
    ['a rate of 1', { treatments: [{ ...FREE, rate: '1' }] }, '/treatments/0/rate', '0.01'],
    ['a negative rate', { treatments: [{ ...FREE, rate: '-0.1' }] }, '/treatments/0/rate', 'share'],
    ['a huge rate', { treatments: [{ ...FREE, rate: '1e9' }] }, '/treatments/0/rate', 'share'],
    [
      'too many decimals',
      { treatments: [{ ...FREE, rate: '0.1234567' }] },
      '/treatments/0/rate',
      '6 decimals',
    ],
    [
      'a rate as a number',
      { treatments: [{ ...FREE, rate: 0.1 }] },
      '/treatments/0/rate',
      'string',
    ],
    ['a treatment twice', { treatments: [FREE, FREE] }, '/treatments/1/code', 'twice'],
    [
      'an undefined treatment',
      { assignments: [{ tenant_id: 'acme', treatment: 'gts', from: '2026-05' }] },
      '/assignments/0/treatment',
      'no tax treatment gts',
    ],
    [
      'a tenant that does not exist',
      { assignments: [{ tenant_id: 'nobody', treatment: 'free', from: '2026-05' }] },
      '/assignments/0/tenant_id',
      'no tenant nobody',
    ],
    [
      'two treatments from one month',
      {
        assignments: [
          { tenant_id: 'acme', treatment: 'free', from: '2026-05' },
          { tenant_id: 'acme', treatment: 'gst', from: '2026-05' },
        ],
      },
      '/assignments/1/from',
      'acme from 2026-05',
    ],
    [
      'a month that does not exist',
      { assignments: [{ tenant_id: 'acme', treatment: 'free', from: '2026-13' }] },
      '/assignments/0/from',
      'month',
    ],
    [
      'an exchange rate of 0',
      { exchange_rates: [{ ...RATE, rate: '0.00' }] },
      '/exchange_rates/0/rate',
      'above 0',
    ],
    [
      'a negative exchange rate',
      { exchange_rates: [{ ...RATE, rate: '-1' }] },
      '/exchange_rates/0/rate',
      'decimal',
    ],
    [
      'an exchange rate of a future month',
      { exchange_rates: [{ ...RATE, month: '2098-01' }] },
      '/exchange_rates/0/month',
      'future',
    ],
    [
      'an exchange rate to itself',
      { exchange_rates: [{ ...RATE, from: 'AUD' }] },
      '/exchange_rates/0/to',
      'another',
    ],
    [
      'an unknown currency',
      { exchange_rates: [{ ...RATE, from: 'XXX' }] },
      '/exchange_rates/0/from',
      'currency',
    ],
    [
      'no source',
      { exchange_rates: [{ ...RATE, source: '' }] },
      '/exchange_rates/0/source',
      'characters',
    ],
    ['a mistyped field', { treatment: [FREE] }, '/treatment', 'treatment'],
  ])('is refused as a whole: %s', async (_what, body, place, words) => {
    const sent = { ...body, gst_registrations: [{ from: '2031-01', registered: false }] };
    const refused = await operator.put('tax', sent);
    expect(problemOf(refused)).toMatchObject({ status: 422, places: [place] });
    expect(JSON.stringify(refused.body)).toContain(words);
    const { gst_registrations } = await bodyOf('tax/gst-registrations');
    expect(gst_registrations).not.toContainEqual({ from: '2031-01', registered: false });
  });

  test('a treatment never changes', async () => {
    for (const change of [{ rate: '0.05' }, { label: 'VAT' }, { note: null }]) {
      const refused = await operator.put('tax', { treatments: [{ ...FREE, ...change }] });
      expect(problemOf(refused)).toMatchObject({ status: 409, places: ['/treatments/0'] });
    }
    // The same number, written differently.
    const same = await operator.put('tax', { treatments: [{ ...FREE, rate: '0.00' }] });
    expect(same.body).toMatchObject({ changes: { treatments: { ...NONE, unchanged: 1 } } });
  });

  test('of two concurrent assignments for one month, one is refused', async () => {
    for (let round = 0; round < 5; round += 1) {
      const tenantId = await newTenant();
      const assign = (treatment: string) =>
        operator.put('tax', { assignments: [{ tenant_id: tenantId, treatment, from: '2026-05' }] });
      const answers = await Promise.all([assign('free'), assign('gst'), assign('free')]);
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 409).length).toBeGreaterThan(0);
      const [kept] = (await bodyOf(`tax/assignments?tenant_id=${tenantId}`)).assignments as {
        treatment: string;
      }[];
      expect(statuses).toEqual(
        ['free', 'gst', 'free'].map((code) => (code === kept?.treatment ? 200 : 409)),
      );
    }
  });

  test('is on the record of operator actions', async () => {
    await operator.put('tax', { treatments: [{ ...FREE, code: 'recorded' }] });
    const { operator_actions } = await bodyOf('operator-actions?action=putTax&limit=1');
    expect(operator_actions).toMatchObject([{ action: 'putTax', outcome: 'done' }]);
  });

  test('is not for a tenant', async () => {
    for (const path of ['treatments', 'assignments', 'gst-registrations', 'exchange-rates']) {
      const answer = await api.call('get', `/api/v1/tax/${path}`, { key: api.keys.acme });
      expect(answer.status).toBe(403);
    }
  });
});

describe('a tenants feed that names tax treatments', () => {
  const fed = (tenant_id: string, tax: readonly object[]) => ({
    tenants: [{ tenant_id, name: 'Fed', currency: 'AUD', tax }],
  });

  test('gives them to new tenants and leaves them alone afterwards', async () => {
    const tenantId = `fed-${crypto.randomUUID()}`;
    const tax = [{ treatment: 'free', from: '2026-05' }];
    const first = await operator.put('subscriptions', fed(tenantId, tax));
    expect(first.body).toMatchObject({ changes: { tenants: NEW, tax_treatments: NEW } });
    const second = await operator.put('subscriptions', fed(tenantId, tax));
    expect(second.body).toMatchObject({ changes: { tax_treatments: { ...NONE, unchanged: 1 } } });
    await operator.put(`tenants/${tenantId}`, { name: 'Renamed', currency: 'AUD' });
    expect((await bodyOf(`tenants/${tenantId}`)).tax).toEqual(tax);
  });

  test('is refused as a whole with its other errors', async () => {
    const refused = await operator.put('subscriptions', {
      tenants: [
        ...fed('fed-bad', [{ treatment: 'gts', from: '2026-05' }]).tenants,
        { tenant_id: 'acme', name: 'Acme', currency: 'USD' },
      ],
    });
    expect(problemOf(refused)).toMatchObject({
      status: 422,
      places: expect.arrayContaining([
        '/tenants/0/tax/0/treatment',
        '/tenants/1/currency',
      ]) as unknown,
    });
    expect((await operator.get('tenants/fed-bad')).status).toBe(404);
  });

  test('is refused with another treatment for the same month, unless it replaces it', async () => {
    const tenantId = await newTenant([{ treatment: 'free', from: '2026-05' }]);
    const other = { treatment: 'gst', from: '2026-05' };
    const refused = await operator.put('subscriptions', fed(tenantId, [other]));
    expect(problemOf(refused)).toMatchObject({ status: 409, places: ['/tenants/0/tax/0'] });
    const corrected = await operator.put(
      'subscriptions',
      fed(tenantId, [{ ...other, replace: true }]),
    );
    expect(corrected.body).toMatchObject({ changes: { tax_treatments: { changed: 1 } } });
    expect((await bodyOf(`tenants/${tenantId}`)).tax).toEqual([other]);
  });
});
