import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { MONTH, seedTenant } from '../_util/seed.ts';
import { operatorOf, problemOf, type Operator } from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { signIn, type TestBrowser } from './_pages.ts';

let api: TestApi;
let operator: Operator;
let worker: Database;
let browser: TestBrowser;
beforeAll(async () => {
  api = await createTestApi();
  operator = operatorOf(api);
  const url = api.superuserUrl;
  worker = await openDatabase({ url, maxConnections: 2, applicationName: 'test-worker' });
  browser = await signIn(api.app, api.keys.operator);
});
afterAll(async () => {
  await worker.end();
  await api[Symbol.asyncDispose]();
});

let last = 0;
async function newTenant(): Promise<string> {
  const tenantId = `tenant-${(last += 1)}`;
  await seedTenant(api.db, tenantId);
  return tenantId;
}
const build = (tenantId: string) =>
  buildInvoices(
    { activities: createActivities({ ...ACTIVITY_DEPS, db: worker, bounds: NO_BOUNDS }) },
    [tenantId],
  );
const item = (tenantId: string, more: object = {}) => ({
  ...{ item_id: `item-${(last += 1)}`, tenant_id: tenantId, month: MONTH },
  ...{ description: 'Workshop', amount_cents: 25_000, ...more },
});
const record = (body: object) => operator.post('invoice-items', body);
const list = async (query: string) =>
  (await operator.get(`invoice-items?${query}`)).body as {
    items: Record<string, unknown>[];
    next_cursor: string | null;
  };

describe('an invoice item', () => {
  test('is recorded, a duplicate the next time, and a conflict with another content', async () => {
    const sent = item(await newTenant());
    const { item_id } = sent;
    const first = await record(sent);
    expect([first.status, first.body]).toEqual([201, { item_id, status: 'recorded' }]);
    const again = await record(sent);
    expect([again.status, again.body]).toEqual([200, { item_id, status: 'duplicate' }]);
    expect(problemOf(await record({ ...sent, taxable: false }))).toMatchObject({
      ...{ status: 409, problem: 'data-conflict' },
    });
    const wrong = await record({ ...sent, item_id: 'other', amount_cents: 0, month: '2026-5' });
    expect(problemOf(wrong)).toMatchObject({ status: 422, problem: 'invalid-request' });
    expect((wrong.body as { errors: { pointer: string }[] }).errors).toMatchObject([
      { pointer: '/month' },
      { pointer: '/amount_cents' },
    ]);
  });

  test('in a list gets its own result', async () => {
    const tenantId = await newTenant();
    const [one, two] = [item(tenantId), item(tenantId, { amount_cents: -100 })];
    const { status, body } = await record({ items: [one, two, one, item('nobody'), 5] });
    expect([status, body]).toMatchObject([
      200,
      {
        counts: { recorded: 2, duplicate: 1, conflict: 0, rejected: 2 },
        results: [
          { index: 0, item_id: one.item_id, status: 'recorded' },
          { index: 1, item_id: two.item_id, status: 'recorded' },
          { index: 2, item_id: one.item_id, status: 'duplicate' },
          { index: 3, status: 'rejected', errors: [{ pointer: '/tenant_id' }] },
          { index: 4, item_id: null, status: 'rejected' },
        ],
      },
    ]);
  });

  test.each([
    ['an empty list', { items: [] }, 422, 'invalid-request'],
    ['a list next to other fields', { items: [{}], month: MONTH }, 422, 'invalid-request'],
    ['more than 1,000 items', { items: Array<object>(1001).fill({}) }, 413, 'too-large'],
  ])('is refused in %s', async (_what, body, status, problem) => {
    expect(problemOf(await record(body))).toMatchObject({ status, problem });
  });

  test('is listed with its state, its invoices and what it waits for', async () => {
    const tenantId = await newTenant();
    const charge = item(tenantId, { taxable: false });
    const credit = item(tenantId, { amount_cents: -9000 });
    const withdrawn = item(tenantId);
    await record({ items: [charge, credit, withdrawn] });
    const path = `invoice-items/${withdrawn.item_id}/withdraw`;
    const done = await operator.post(path, { reason: 'cancelled' });
    expect(done.body).toMatchObject({ state: 'withdrawn', withdrawal: { actor: 'key:ops' } });
    await build(tenantId);

    const all = await list(`tenant_id=${tenantId}`);
    expect(all.items.map(({ item_id, state }) => [item_id, state])).toEqual([
      [withdrawn.item_id, 'withdrawn'],
      [credit.item_id, 'partly_applied'],
      [charge.item_id, 'applied'],
    ]);
    const waiting = await list(`tenant_id=${tenantId}&state=waiting&month=${MONTH}`);
    expect(waiting.items).toMatchObject([
      {
        item_id: credit.item_id,
        rest_cents: -4000,
        invoices: [{ number: `${tenantId}-000001`, amount_cents: -5000, status: 'issued' }],
        waits_for:
          'taxable charges that it can reduce by AUD 40.00, on the next invoice of 2026-05 or a later month',
      },
    ]);
    const page = await list(`tenant_id=${tenantId}&limit=2`);
    const rest = await list(`tenant_id=${tenantId}&limit=2&cursor=${page.next_cursor}`);
    expect([...page.items, ...rest.items]).toEqual(all.items);
    expect(rest.next_cursor).toBeNull();

    const refused = await operator.post(`invoice-items/${charge.item_id}/withdraw`, {
      reason: 'too late',
    });
    expect(problemOf(refused)).toMatchObject({ status: 409, problem: 'data-conflict' });
    const unknown = await operator.post('invoice-items/nothing/withdraw', { reason: 'x' });
    expect(problemOf(unknown)).toMatchObject({ status: 404, problem: 'not-found' });
  });

  test('is for operators only; tenants read it as a line of their invoices', async () => {
    const sent = item('acme');
    for (const key of [api.keys.acme, api.keys.gateway]) {
      const answers = [
        await api.call('post', '/api/v1/invoice-items', { key, body: sent }),
        await api.call('get', '/api/v1/invoice-items', { key }),
        await api.call('post', '/api/v1/invoice-items/x/withdraw', { key, body: { reason: 'x' } }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    }
    await record(sent);
    await build('acme');
    const key = api.keys.acme;
    const { body } = await api.call('get', '/api/v1/invoices', { key });
    const [{ invoice_id }] = (body as { invoices: [{ invoice_id: string }] }).invoices;
    const invoice = await api.call('get', `/api/v1/invoices/${invoice_id}`, { key });
    expect(invoice.body).toMatchObject({ subtotal_cents: 30_000, taxable_cents: 30_000 });
    expect((invoice.body as { lines: object[] }).lines).toContainEqual(
      expect.objectContaining({ kind: 'item', item_id: sent.item_id, amount_cents: 25_000 }),
    );
  });

  test('and its withdrawal are on record', async () => {
    const sent = item(await newTenant());
    await record(sent);
    await operator.post(`invoice-items/${sent.item_id}/withdraw`, { reason: 'cancelled' });
    const { body } = await operator.get('operator-actions?limit=2');
    expect((body as { operator_actions: object[] }).operator_actions).toMatchObject([
      { action: 'withdrawInvoiceItem', target: { item_id: sent.item_id }, outcome: 'done' },
      { action: 'postInvoiceItems', outcome: 'done' },
    ]);
  });
});

describe('the page', () => {
  const fields = (tenantId: string, more: object = {}) => ({
    ...{ item_id: `item-${(last += 1)}`, tenant_id: tenantId, month: MONTH },
    ...{ description: 'Credit for <May>', amount: '-1,040.50', taxable: 'true', ...more },
  });

  test('adds a credit in the currency of the tenant, once what will happen is confirmed', async () => {
    const tenantId = await newTenant();
    const path = `/operator/items/new?tenant_id=${tenantId}`;
    const shown = await browser.fill(path, fields(tenantId));
    expect(shown.status).toBe(200);
    expect(shown.text).toContain('Nothing has been done yet');
    expect(shown.text).toContain(
      `${tenantId} gets a credit of AUD 1,040.50 for “Credit for &lt;May&gt;”`,
    );
    expect(shown.text).toContain('It waits for taxable charges that it can reduce by AUD 1,040.50');
    expect((await list(`tenant_id=${tenantId}`)).items).toEqual([]);

    const added = await browser.confirm(path, shown);
    const page = `/operator/items?tenant_id=${tenantId}`;
    expect([added.status, added.headers.location]).toEqual([303, `${page}&done=item-added`]);
    const { text } = await browser.get(`${page}&state=waiting&done=item-added`);
    expect(text).toContain('The charge or credit is recorded.');
    expect(text).toContain('Credit for &lt;May&gt;');
    expect(text).toContain('AUD -1,040.50');
    expect(text).toContain('Waits for taxable charges that it can reduce by AUD 1,040.50');
    // A double click.
    expect((await browser.confirm(path, shown)).status).toBe(303);
    expect((await list(`tenant_id=${tenantId}`)).items).toHaveLength(1);
  });

  test('says that a month is invoiced already, and what waits', async () => {
    const tenantId = await newTenant();
    await build(tenantId);
    await record(item(tenantId, { month: '2026-07' }));
    const { text } = await browser.fill('/operator/items/new', fields(tenantId, { amount: '5' }));
    expect(text).toContain(`May 2026 is invoiced already (${tenantId}-000001): a rerun`);
    expect(text).toContain('has others that wait: “Workshop”, AUD 250.00.');
  });

  test('asks again if another operator has added something since', async () => {
    const tenantId = await newTenant();
    const shown = await browser.fill('/operator/items/new', fields(tenantId));
    await record(item(tenantId));
    const again = await browser.confirm('/operator/items/new', shown);
    expect([again.status, again.text]).toEqual([200, expect.stringContaining('“Workshop”')]);
    expect((await browser.confirm('/operator/items/new', again)).status).toBe(303);
  });

  test.each([
    ['a wrong amount', { amount: '12.345' }, 'Amount: expected an amount'],
    ['a decimal comma', { amount: '-99,50' }, 'Amount: write -99.50, not -99,50'],
    ['no amount', { amount: '' }, 'Amount: expected an amount'],
    ['an amount with too many digits', { amount: '9'.repeat(17) }, 'Amount: expected an amount'],
    ['an unknown tenant', { tenant_id: 'nobody' }, 'Tenant: there is no tenant nobody'],
    ['a wrong month', { month: 'May' }, 'Month: '],
  ])('shows %s next to the field, and keeps what was typed', async (_what, wrong, message) => {
    const tenantId = await newTenant();
    const answer = await browser.fill('/operator/items/new', fields(tenantId, wrong));
    expect(answer.status).toBe(422);
    expect(answer.text).toContain(message);
    expect(answer.text).toContain('value="Credit for &lt;May&gt;"');
  });

  test('withdraws an item with a reason, and says why it can’t', async () => {
    const tenantId = await newTenant();
    const [pending, billed] = [item(tenantId, { month: '2026-07' }), item(tenantId)];
    await record({ items: [pending, billed] });
    await build(tenantId);
    const path = (id: string) => `/operator/items/${id}/withdraw`;
    const opened = await browser.get(path(pending.item_id));
    expect(opened.text).toContain('I know that this can’t be undone');
    expect(opened.text).toContain('will take “Workshop”, AUD 250.00');
    const without = await browser.act(path(pending.item_id), { reason: ' ' });
    expect([without.status, without.text]).toEqual([422, expect.stringContaining('Reason: ')]);
    const unconfirmed = await browser.fill(path(pending.item_id), { reason: 'typo' });
    expect(unconfirmed.text).toContain('Tick the box');
    expect((await browser.act(path(pending.item_id), { reason: 'typo' })).status).toBe(303);
    const twice = await browser.confirm(path(pending.item_id), opened, { reason: 'typo' });
    expect(twice.status).toBe(303);
    const others = await browser.confirm(path(pending.item_id), opened, { reason: 'another' });
    expect([others.status, others.text]).toEqual([
      422,
      expect.stringContaining('withdrawn already: by key:ops, “typo”'),
    ]);
    expect((await browser.get(path(billed.item_id))).text).toContain(`${tenantId}-000001 bills it`);
    const refused = await browser.post(path(billed.item_id), { reason: 'typo' });
    expect([refused.status, refused.text]).toEqual([
      422,
      expect.stringContaining(`${tenantId}-000001 bills it`),
    ]);
    const { text } = await browser.get(`/operator/items?tenant_id=${tenantId}`);
    expect(text).toContain('By key:ops: typo');
  });
});
