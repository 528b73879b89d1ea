import { parse } from 'csv-parse/sync';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../src/api/app.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { createActivities } from '../../src/activities/create-activities.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { seedTenant, seedUsage } from '../_util/seed.ts';
import { createTestApi, llmEvent, sendUsage, type TestApi } from './_harness.ts';

let api: TestApi;
let world: Parameters<typeof buildInvoices>[0];
beforeAll(async () => {
  api = await createTestApi();
  const deps = { ...ACTIVITY_DEPS, db: api.db, bounds: NO_BOUNDS };
  world = { activities: createActivities(deps) };
});
afterAll(() => api[Symbol.asyncDispose]());

let last = 0;
/** A tenant with three LLM events, whose month is invoiced. @returns its invoice's id */
async function invoiced(): Promise<{ tenantId: string; id: string; events: readonly string[] }> {
  const tenantId = `tenant-${(last += 1)}`;
  await seedTenant(api.db, tenantId);
  const events = [];
  for (const charge_cents of ['1.5', '0.000001', '20']) {
    const event = llmEvent({
      gateway_request_id: `=${tenantId}-${charge_cents}`,
      tenant_id: tenantId,
      deployment_id: `${tenantId}-a`,
      charge_cents,
    });
    await sendUsage(api, 'llm-usage', [event]);
    events.push(event.gateway_request_id);
  }
  await buildInvoices(world, [tenantId]);
  const [invoice] = await invoicesOf(api.db, tenantId);
  return { tenantId, id: invoice!.invoiceId, events };
}
const post = (path: string, body: unknown = {}) =>
  api.call('post', path, { key: api.keys.operator, body });
const get = (path: string, key = api.keys.operator) => api.call('get', path, { key });

describe('voiding', () => {
  test('shows the new status and who set it', async () => {
    const { id } = await invoiced();
    const voided = await post(`/api/v1/invoices/${id}/void`, { reason: 'a mistake' });
    expect(voided.status).toBe(200);
    expect(voided.body).toMatchObject({
      status: 'void',
      status_change: { actor: 'key:ops', reason: 'a mistake' },
      payment_status: null,
      balance_cents: null,
    });
    const again = await post(`/api/v1/invoices/${id}/void`, { reason: 'another' });
    expect(again.body).toEqual(voided.body);
  });

  test('is refused once there is a payment', async () => {
    const { id, tenantId } = await invoiced();
    await pay(api.db, `${tenantId}-000001`, 1);
    const voided = await post(`/api/v1/invoices/${id}/void`, { reason: 'x' });
    expect(voided.status).toBe(409);
    expect(voided.body).toMatchObject({
      type: 'urn:arcadia:problem:invoice-settled',
      detail: expect.stringContaining('is settled'),
    });
  });

  test.each([
    ['no invoice', crypto.randomUUID(), 404],
    ['no id', 'nonsense', 404],
  ])('%s: 404', async (_name, id, status) => {
    expect((await post(`/api/v1/invoices/${id}/void`, { reason: 'x' })).status).toBe(status);
  });

  test.each([
    ['no reason', {}],
    ['an empty reason', { reason: ' ' }],
    ['an unknown field', { reason: 'x', amount: 1 }],
  ])('voiding with %s: 422', async (_name, body) => {
    const { id } = await invoiced();
    expect((await post(`/api/v1/invoices/${id}/void`, body)).status).toBe(422);
  });
});

describe('the difference of a revision', () => {
  test('lists changed lines, for the tenant too', async () => {
    const { tenantId, id } = await invoiced();
    await seedUsage(api.db, {
      tenantId,
      deploymentId: `${tenantId}-a`,
      kind: 'llm_usage',
      amount: '100',
    });
    await forceInvoices(world, [tenantId]);
    const [, revision] = await invoicesOf(api.db, tenantId);

    const { body } = await get(`/api/v1/invoices/${revision!.invoiceId}/difference`);
    expect(body).toMatchObject({
      number: `${tenantId}-000002`,
      replaces_invoice_id: id,
      tax: { treatment: 'gst' },
      replaced_tax: { treatment: 'gst' },
      changes: [
        {
          change: 'changed',
          before: { qty: '3', amount_cents: 22 },
          after: { qty: '4', amount_cents: 122 },
          difference_cents: 100,
        },
        { change: 'changed', difference_cents: 10 },
      ],
    });
    expect((await get(`/api/v1/invoices/${id}/difference`)).body).toMatchObject({
      replaces_invoice_id: null,
      replaced_tax: null,
      changes: [],
    });
    const other = await get(`/api/v1/invoices/${revision!.invoiceId}/difference`, api.keys.acme);
    expect(other.status).toBe(404);
  });
});

test("an invoice's composition names subscriptions, days and addons, for operators only", async () => {
  const { tenantId, id } = await invoiced();
  const path = `/api/v1/invoices/${id}/composition`;
  expect((await get(path)).body).toMatchObject({
    number: `${tenantId}-000001`,
    deployments: [
      {
        deployment_id: `${tenantId}-a`,
        subscriptions: [
          {
            subscription_id: `sub-${tenantId}-a`,
            plan_version_id: 'studio-v1',
            proration: 'daily',
            service_from: '2026-05-01',
            service_to: '2026-05-31',
            days: 31,
            addons: [],
          },
        ],
      },
    ],
  });
  expect((await get(path, api.keys.acme)).status).toBe(403);
});

describe('the events of a line', () => {
  test('are paged, with their exact sum and a digest', async () => {
    const { id, events } = await invoiced();
    const path = `/api/v1/invoices/${id}/lines/2/usage`;
    const first = await get(`${path}?limit=2`);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      line: {
        line_no: 2,
        description: 'LLM usage',
        source: 'llm',
        unit: 'cents',
        amount_cents: 22,
        events: 3,
        excluded_events: 0,
        exact_sum: '21.500001',
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    const body = first.body as { events: { event_id: string }[]; next_cursor: string };
    const second = await get(`${path}?limit=2&cursor=${body.next_cursor}`);
    const rest = second.body as typeof body;
    expect([...body.events, ...rest.events].map(({ event_id }) => event_id)).toEqual(
      [...events].sort(),
    );
    expect(rest.next_cursor).toBeNull();
  });

  test('are summed once, however many pages are read', async () => {
    const { id } = await invoiced();
    let summaries = 0;
    const db = interceptQueries(api.deps.db, (query) => {
      if (query.sql.includes('string_agg(hash')) summaries += 1;
      return query;
    });
    const app = createApp({ ...api.deps, db });
    const read = (query: string) =>
      request(app)
        .get(`/api/v1/invoices/${id}/lines/2/usage${query}`)
        .set('Authorization', `Bearer ${api.keys.operator}`);
    const pages = await Promise.all(Array.from({ length: 40 }, () => read('?limit=1')));
    const [first] = pages;
    const { next_cursor } = first!.body as { next_cursor: string };
    const second = await read(`?limit=1&cursor=${next_cursor}`);
    expect(new Set([...pages, second].map(({ status }) => status))).toEqual(new Set([200]));
    expect((second.body as { line: object }).line).toEqual((first!.body as { line: object }).line);
    expect(summaries).toBe(1);
  });

  test('reject a cursor that cannot be an event id with 422', async () => {
    const { id } = await invoiced();
    const cursor = Buffer.from(JSON.stringify('\u001b')).toString('base64url');
    expect((await get(`/api/v1/invoices/${id}/lines/2/usage?cursor=${cursor}`)).status).toBe(422);
  });

  test('are available as a CSV without spreadsheet formulas', async () => {
    const { id } = await invoiced();
    const response = await get(`/api/v1/invoices/${id}/lines/2/usage.csv`);
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('text/csv; charset=utf-8');
    const rows = parse(response.text, { columns: true, record_delimiter: '\r\n' });
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({
      event_id: expect.stringMatching(/^'=tenant-/),
      amount: '0.000001',
      excluded: '0',
    });
  });

  test.each([
    ['a line without usage', 1, 404],
    ['a line that is not there', 99, 404],
    ['no line number', 'x', 422],
  ])('%s: %s is answered %i', async (_name, line, status) => {
    const { id } = await invoiced();
    expect((await get(`/api/v1/invoices/${id}/lines/${line}/usage`)).status).toBe(status);
    expect((await get(`/api/v1/invoices/${id}/lines/${line}/usage.csv`)).status).toBe(status);
  });
});

describe('excluding an event', () => {
  test('names the invoice that still bills it, and is listed', async () => {
    const { tenantId, events } = await invoiced();
    const body = { source: 'llm', event_id: events[2], reason: 'priced twice' };
    const excluded = await post('/api/v1/usage-exclusions', body);
    expect(excluded.status).toBe(201);
    expect(excluded.body).toMatchObject({
      tenant_id: tenantId,
      amount: '20',
      actor: 'key:ops',
      still_billed_on: `${tenantId}-000001`,
    });
    expect((await post('/api/v1/usage-exclusions', body)).status).toBe(200);

    const list = await get('/api/v1/usage-exclusions?month=2026-05');
    expect(list.body).toMatchObject({ exclusions: [{ event_id: events[2] }] });
    const late = await get('/api/v1/roll-ups/2026-05/late-usage');
    const { entries } = late.body as { entries: readonly { tenant_id: string }[] };
    expect(entries.filter(({ tenant_id }) => tenant_id === tenantId)).toMatchObject([
      { action: 're_run', would_add_cents: -22 },
    ]);
  });

  test('that was never accepted: 404', async () => {
    const body = { source: 'metered', event_id: 'nobody', reason: 'x' };
    expect((await post('/api/v1/usage-exclusions', body)).status).toBe(404);
  });

  test.each([
    ['another source', { source: 'disk', event_id: 'x', reason: 'x' }, '/source'],
    ['no reason', { source: 'llm', event_id: 'x' }, '/reason'],
  ])('with %s: 422', async (_name, body, pointer) => {
    const response = await post('/api/v1/usage-exclusions', body);
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({ errors: [{ pointer }] });
  });
});

describe('moving an invoiced subscription', () => {
  const put = (id: string, body: object) =>
    api.call('put', `/api/v1/subscriptions/${id}`, { key: api.keys.operator, body });
  const subscriptionOf = async (tenantId: string) => {
    const { body } = await get(`/api/v1/subscriptions/sub-${tenantId}-a`);
    const { deployment_id, plan, starts_at } = body as Record<string, unknown>;
    return { deployment_id, plan, starts_at };
  };

  test('out of an invoiced month is accepted with a warning, which ends once it is corrected', async () => {
    const { tenantId } = await invoiced();
    const stored = await subscriptionOf(tenantId);
    const ended = await put(`sub-${tenantId}-a`, { ...stored, ends_at: '2026-05-20T00:00:00Z' });
    const number = `${tenantId}-000001`;
    expect(ended).toMatchObject({
      status: 200,
      body: {
        warnings: [
          {
            pointer: '/ends_at',
            detail:
              `subscription sub-${tenantId}-a differs from what is invoiced for 2026-05 (${number}): check it ` +
              `(month-end preview 2026-05 --tenant ${tenantId} --lines) and force a rerun ` +
              `(month-end force 2026-05 --tenant ${tenantId} --reason ...)`,
          },
        ],
      },
    });
    // Once it covers the whole month again, nothing differs.
    const back = await put(`sub-${tenantId}-a`, { ...stored, ends_at: '2026-06-01T00:00:00Z' });
    expect(back.body).toMatchObject({ warnings: [{ detail: expect.stringContaining(number) }] });
    const later = await put(`sub-${tenantId}-a`, { ...stored, ends_at: '2026-06-02T00:00:00Z' });
    expect(later.body).toMatchObject({ warnings: [] });
  });

  test('attaching an addon from an invoiced month on warns, also in a dry run', async () => {
    const { tenantId } = await invoiced();
    await api.call('put', '/api/v1/addons/late', {
      key: api.keys.operator,
      body: { resource_kind: 'gb', qty: '1', price_cents: 100 },
    });
    const starts_at = '2026-05-10T00:00:00Z';
    const path = `/api/v1/subscriptions/sub-${tenantId}-a/addons`;
    const attached = await post(path, { code: 'late', starts_at });
    const detail =
      `addon late of subscription sub-${tenantId}-a differs from what is invoiced for 2026-05 ` +
      `(${tenantId}-000001): check it (month-end preview 2026-05 --tenant ${tenantId} --lines) and force a rerun ` +
      `(month-end force 2026-05 --tenant ${tenantId} --reason ...)`;
    expect(attached.body).toMatchObject({ warnings: [{ detail }] });
    expect((await post(path, { code: 'late', starts_at })).body).toMatchObject({ warnings: [] });

    const subscription = { ...(await subscriptionOf(tenantId)), subscription_id: 'other' };
    const { starts_at: startsAt, plan } = subscription;
    const dryRun = await api.call('put', '/api/v1/subscriptions?dry_run=true', {
      key: api.keys.operator,
      body: {
        tenants: [
          {
            tenant_id: tenantId,
            name: tenantId,
            currency: 'AUD',
            deployments: [
              {
                deployment_id: `${tenantId}-b`,
                subscriptions: [
                  {
                    subscription_id: 'other',
                    plan,
                    starts_at: startsAt,
                    ends_at: null,
                    addons: [],
                  },
                ],
              },
            ],
          },
        ],
      },
    });
    expect(dryRun.body).toMatchObject({
      dry_run: true,
      warnings: [
        {
          pointer: '/tenants/0/deployments/0/subscriptions/0/starts_at',
          detail: expect.stringContaining('other differs from what is invoiced for 2026-05'),
        },
      ],
    });
  });

  test('into a month closed without the tenant warns that the month must be run again', async () => {
    const { activities } = world;
    const month = '2026-02';
    await seedTenant(api.db, 'newcomer', [
      { deploymentId: 'newcomer-a', startsAt: '2026-03-01T00:00:00Z' },
    ]);
    const payload = { requestId: 'close', actor: 'test' };
    await activities.acceptRequest({ month, signal: 'run', payload, signalId: 'unused' });
    const pass = await activities.beginPass({ month });
    await activities.finishPass({ month, upToSeq: pass!.upToSeq });

    const stored = await subscriptionOf('newcomer');
    const moved = await put('sub-newcomer-a', { ...stored, starts_at: '2026-02-10T00:00:00Z' });
    expect(moved.body).toMatchObject({
      warnings: [
        {
          pointer: '/starts_at',
          detail:
            'subscription sub-newcomer-a is in force in 2026-02, closed without an invoice for tenant newcomer: ' +
            'run it again (month-end start 2026-02)',
        },
      ],
    });
  });
});

test('the month shows its control totals', async () => {
  const response = await get('/api/v1/roll-ups/2026-05');
  expect(response.body).toMatchObject({
    balanced: null,
    imbalances: [],
    control_totals: {
      usage: [{ source: 'llm', resource_kind: 'llm_usage' }],
      lines: [{ kind: 'llm_usage', wrong: 0 }],
    },
  });
});

test.each([
  [{ only_if_changed: true }, '/only_if_changed'],
  [{ accept_bounds: true, force: true, reason: 'x' }, '/accept_bounds'],
])('rejects a roll-up with %j', async (fields, pointer) => {
  const response = await post('/api/v1/roll-ups', { month: '2026-05', ...fields });
  expect(response.status).toBe(422);
  expect(response.body).toMatchObject({ errors: [{ pointer }] });
});

test("passes a roll-up's options to the workflow", async () => {
  await post('/api/v1/roll-ups', {
    month: '2026-05',
    force: true,
    tenant_ids: ['acme'],
    only_if_changed: true,
    accept_bounds: true,
    reason: 'x',
  });
  expect(api.requested.at(-1)).toMatchObject({
    force: { tenantIds: ['acme'], onlyIfChanged: true, acceptBounds: true },
  });
});
