import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
  const activities = createActivities({ ...ACTIVITY_DEPS, db: api.db });
  await buildInvoices({ activities }, ['acme', 'zeta']);
  await buildInvoices({ activities }, ['acme'], { month: '2026-04' });
});
afterAll(() => api[Symbol.asyncDispose]());

const post = (body: unknown, key = api.keys.operator) =>
  api.call('post', '/api/v1/payments', { key, body });
async function get<T>(path: string, key = api.keys.operator): Promise<T> {
  const { status, body } = await api.call('get', `/api/v1/${path}`, { key });
  expect(status).toBe(200);
  return body as T;
}

/** acme's invoice of May is the first; both months cost 55.00. */
const PAYMENT = {
  payment_id: 'bank-1',
  invoice_number: 'acme-000001',
  amount_cents: 2000,
  received_on: '2026-06-12',
  method: 'bank transfer',
  reference: 'acme-000001 thanks',
};

test('one payment: recorded once, then a duplicate; other content is a conflict', async () => {
  const first = await post(PAYMENT);
  expect(first.status).toBe(201);
  expect(first.body).toEqual({
    payment_id: 'bank-1',
    status: 'recorded',
    invoice_number: 'acme-000001',
    currency: 'AUD',
    payment_status: 'partly_paid',
    balance_cents: 3500,
  });
  const again = await post(PAYMENT);
  expect(again.status).toBe(200);
  expect(again.body).toEqual({ ...(first.body as object), status: 'duplicate' });
  const other = await post({ ...PAYMENT, amount_cents: 1 });
  expect(other.status).toBe(409);
  expect(other.body).toMatchObject({ type: 'urn:arcadia:problem:payment-conflict' });
});

test.each([
  [{ amount_cents: 0 }, '/amount_cents'],
  [{ amount_cents: 1.5 }, '/amount_cents'],
  [{ amount_cents: '12' }, '/amount_cents'],
  [{ received_on: '2026-02-30' }, '/received_on'],
  [{ received_on: '2199-01-01' }, '/received_on'],
  [{ invoice_number: 'nobody-000001' }, '/invoice_number'],
  [{ payment_id: '' }, '/payment_id'],
  [{ reference: 'a\nb' }, '/reference'],
  [{ currency: 'AUD' }, '/currency'],
])('one payment with %j is invalid and names the field', async (change, pointer) => {
  const { status, body } = await post({ ...PAYMENT, payment_id: 'bank-bad', ...change });
  expect(status).toBe(422);
  expect(body).toMatchObject({ errors: [{ pointer }] });
});

test('a batch: a result per payment, in order, and the good ones are recorded', async () => {
  const { status, body } = await post({
    payments: [
      { ...PAYMENT, payment_id: 'batch-1', invoice_number: 'zeta-000001', amount_cents: 6000 },
      PAYMENT,
      { ...PAYMENT, amount_cents: 7 },
      { ...PAYMENT, payment_id: 'batch-2', invoice_number: 'nobody-000001' },
      { ...PAYMENT, payment_id: 'batch-3', amount_cents: 0 },
      'no payment',
    ],
  });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    counts: { recorded: 1, duplicate: 1, conflict: 1, rejected: 3 },
    results: [
      { index: 0, payment_id: 'batch-1', status: 'recorded', balance_cents: -500 },
      { index: 1, payment_id: 'bank-1', status: 'duplicate', balance_cents: 3500 },
      { index: 2, payment_id: 'bank-1', status: 'conflict' },
      { index: 3, status: 'rejected', errors: [{ pointer: '/invoice_number' }] },
      { index: 4, status: 'rejected', errors: [{ pointer: '/amount_cents' }] },
      { index: 5, payment_id: null, status: 'rejected' },
    ],
  });
});

test('a batch that is empty, too long or mixed with other fields is refused', async () => {
  expect((await post({ payments: [] })).status).toBe(422);
  expect((await post({ payments: [PAYMENT], payment_id: 'x' })).status).toBe(422);
  const many = Array.from({ length: 1001 }, () => PAYMENT);
  expect((await post({ payments: many })).status).toBe(413);
});

test('only an operator records payments', async () => {
  for (const key of [api.keys.acme, api.keys.gateway, api.keys.metering]) {
    expect((await post(PAYMENT, key)).status).toBe(403);
  }
});

interface Payments {
  readonly payments: readonly { payment_id: string; actor: string | null; tenant_id: string }[];
  readonly next_cursor: string | null;
}

describe('the list of payments', () => {
  test('has filters and pages, latest first', async () => {
    const all = await get<Payments>('payments');
    expect(all.payments.map(({ payment_id }) => payment_id)).toEqual(['batch-1', 'bank-1']);
    expect(all.payments[1]).toEqual({
      ...PAYMENT,
      tenant_id: 'acme',
      period_start: '2026-05-01',
      invoice_id: expect.any(String),
      currency: 'AUD',
      actor: 'key:ops',
      recorded_at: expect.any(String),
    });
    const page = await get<Payments>('payments?limit=1');
    expect(page.payments).toEqual(all.payments.slice(0, 1));
    const next = await get<Payments>(`payments?limit=1&cursor=${page.next_cursor}`);
    expect(next).toEqual({ payments: all.payments.slice(1), next_cursor: null });
    for (const [filter, count] of [
      ['tenant_id=zeta', 1],
      ['month=2026-04', 0],
      ['invoice_number=acme-000001', 1],
      ['received_from=2026-06-13', 0],
      ['received_to=2026-06-12', 2],
    ] as const) {
      expect((await get<Payments>(`payments?${filter}`)).payments).toHaveLength(count);
    }
    expect(
      (await api.call('get', '/api/v1/payments?tenant_id=nobody', { key: api.keys.operator }))
        .status,
    ).toBe(404);
  });

  test("of a tenant has only its own payments, without the operators' names", async () => {
    const { payments } = await get<Payments>('payments', api.keys.acme);
    expect(payments).toMatchObject([{ payment_id: 'bank-1', actor: null }]);
    const others = await api.call('get', '/api/v1/payments?tenant_id=zeta', { key: api.keys.acme });
    expect(others.status).toBe(404);
    const hidden = await get<Payments>('payments?invoice_number=zeta-000001', api.keys.acme);
    expect(hidden.payments).toEqual([]);
  });
});

interface Invoices {
  readonly invoices: readonly Readonly<Record<string, unknown>>[];
}

test('invoices show what is owed, and can be listed by it', async () => {
  const numbersOf = async (filter: string, key?: string) =>
    (await get<Invoices>(`invoices?${filter}`, key)).invoices.map(({ number }) => number);
  expect(await numbersOf('payment_status=partly_paid')).toEqual(['acme-000001']);
  expect(await numbersOf('payment_status=paid')).toEqual(['zeta-000001']);
  expect(await numbersOf('payment_status=unpaid')).toEqual(['acme-000002']);
  expect(await numbersOf('payment_status=unpaid', api.keys.acme)).toEqual(['acme-000002']);
  expect(await numbersOf('overdue=true')).toEqual([]);
  expect(await numbersOf('open=true')).toEqual(['acme-000001', 'acme-000002']);
  expect(await numbersOf('open=false')).toEqual(['zeta-000001']);
  expect(await numbersOf('overdue=false', api.keys.zeta)).toEqual(['zeta-000001']);
  const [paid] = (await get<Invoices>('invoices?payment_status=paid')).invoices;
  const shown = { payment_status: 'paid', paid_cents: 6000, balance_cents: -500, overdue: false };
  expect(paid).toMatchObject(shown);
  expect(await get(`invoices/${String(paid?.invoice_id)}`, api.keys.zeta)).toMatchObject(shown);
});

test('balances by tenant, of which a tenant sees its own', async () => {
  const all = await get<{ balances: readonly object[]; as_of: string }>('balances');
  const acme = {
    tenant_id: 'acme',
    currency: 'AUD',
    invoices: 2,
    open_invoices: 2,
    total_cents: '11000',
    notes_cents: '0',
    paid_cents: '2000',
    balance_cents: '9000',
    overdue_cents: '0',
  };
  expect(all.balances).toMatchObject([acme, { tenant_id: 'zeta', balance_cents: '-500' }]);
  expect((await get<typeof all>('balances', api.keys.acme)).balances).toEqual([acme]);
  const page = await get<typeof all & { next_cursor: string }>('balances?limit=1');
  const next = await get<typeof all>(`balances?limit=1&cursor=${page.next_cursor}`);
  expect([...page.balances, ...next.balances]).toEqual(all.balances);
});

test('aging of a month and of all months, by currency', async () => {
  const may = await get<object>('aging?month=2026-05');
  expect(may).toMatchObject({
    month: '2026-05',
    currencies: [
      {
        currency: 'AUD',
        invoices: 2,
        not_due_cents: '3500',
        days_1_30_cents: '0',
        over_90_days_cents: '0',
        overpaid_cents: '-500',
        balance_cents: '3000',
      },
    ],
  });
  expect(await get('aging')).toMatchObject({
    month: null,
    currencies: [{ invoices: 3, balance_cents: '8500' }],
  });
  expect((await api.call('get', '/api/v1/aging', { key: api.keys.acme })).status).toBe(403);
});

test('the list has pages after the longest ids too', async () => {
  const longest = ['請', '"'].map((character) => character.repeat(200));
  const payments = longest.map((payment_id) => ({ ...PAYMENT, payment_id, amount_cents: 1 }));
  expect((await post({ payments })).status).toBe(200);
  const found: string[] = [];
  for (let cursor = ''; found.length < 10;) {
    const page = await get<Payments>(`payments?limit=1${cursor}`);
    found.push(...page.payments.map(({ payment_id }) => payment_id));
    if (page.next_cursor === null) break;
    cursor = `&cursor=${page.next_cursor}`;
  }
  expect(found).toHaveLength((await get<Payments>('payments')).payments.length);
  expect(found).toEqual(expect.arrayContaining(longest));
});
