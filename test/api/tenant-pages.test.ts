import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createApp } from '../../src/api/app.ts';
import { eventReads } from '../../src/api/http/compute-once.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { seedSeller, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { createTestApi, llmEvent, meteredRecord, sendUsage, type TestApi } from './_harness.ts';
import { read, signIn, type TestBrowser } from './_pages.ts';

/** A tenant's own pages. The running month is May 2026; April is invoiced, paid in part and adjusted. */

const APRIL = '2026-04';

let api: TestApi;
let activities: ReturnType<typeof createActivities>;
let tenant: TestBrowser;
let clock = new Date('2026-05-16T12:00:00Z');
beforeAll(async () => {
  api = await createTestApi({ now: () => clock });
  const { db } = api;
  await seedSeller(db, { payment_details: ['Account <7>', 'BSB 000-000'] }, 2);
  activities = createActivities({ ...ACTIVITY_DEPS, db });
  const acme = { tenantId: 'acme', deploymentId: 'acme-a', month: APRIL };
  await seedUsage(db, { ...acme, kind: 'llm_usage', amount: '100' });
  await seedUsage(db, { ...acme, kind: 'llm_tokens', amount: '1500000' });
  await buildInvoices({ activities }, ['acme', 'zeta'], { month: APRIL });
  const [invoice] = await invoicesOf(db, 'acme');
  await settleInvoice(api, invoice!);
  await seedUsage(db, { ...acme, kind: 'llm_usage', amount: '50' });
  await forceInvoices({ activities }, ['acme'], {}, APRIL);

  await sendUsage(api, 'llm-usage', [
    llmEvent({ charge_cents: '1200' }),
    llmEvent({ charge_cents: '300', model: 'small <1>' }),
    llmEvent({ tenant_id: 'zeta', deployment_id: 'zeta-a', charge_cents: '777' }),
  ]);
  await sendUsage(api, 'metered-usage', [meteredRecord({ qty: '800' })]);
  tenant = await signIn(api.app, api.keys.acme);
});
afterAll(() => api[Symbol.asyncDispose]());

/** Another app, which has no sums of days yet: they are kept by database. */
function appWithoutSums(change: Parameters<typeof interceptQueries>[1] = (query) => query) {
  return createApp({ ...api.deps, db: interceptQueries(api.deps.db, change) });
}

async function pageOf(path: string, visitor = tenant): Promise<string> {
  const { status, text } = await visitor.get(path);
  expect({ path, status }).toEqual({ path, status: 200 });
  return text;
}

describe('this month', () => {
  test('shows the invoice so far, its projection, and usage by model and kind', async () => {
    const text = read(await pageOf('/tenant'));
    expect(text).toContain('May 2026 so far');
    expect(text).toContain('50 % of the month has passed');
    // 50.00 for the plan, 15.00 of LLM usage, 56 droplet hours at 0.02, plus GST.
    expect(text).toContain('So far, GST included AUD 72.73');
    expect(text).toContain('LLM charges AUD 15.00');
    expect(text).toMatch(/Model Requests Charges large-2 1 AUD 12\.00 small &lt;1&gt; 1 AUD 3\.00/);
    expect(text).toMatch(/Droplet hours 800 744 56 1,600/);
    expect(text).toContain('A linear projection');
  });

  test('is what the API says', async () => {
    const { body } = await api.call('get', '/api/v1/usage/current', { key: api.keys.acme });
    const { invoice_so_far } = body as { invoice_so_far: { total_cents: number } };
    expect(invoice_so_far.total_cents).toBe(7273);
  });

  test('shows each day as a picture and in a table', async () => {
    const html = await pageOf('/tenant');
    expect(html).toMatch(/<title>10\u00a0May 2026: AUD 15\.00, 2 requests<\/title>/);
    expect(html.match(/<svg class="chart"/g)).toHaveLength(2);
    expect(read(html)).toMatch(/10 May 2026 2 AUD 15\.00 AUD 12\.00 AUD 3\.00 800/);
  });

  test('leaves out what is not released', async () => {
    // Charges that are left from April are on April's invoice, which the tenant sees.
    expect(await pageOf('/tenant')).not.toContain('not included until');
    expect(await pageOf('/tenant', await signIn(api.app, api.keys.zeta))).not.toContain('acme');
  });

  test('does not wait for the days while another read has the turn', async () => {
    const leave = await eventReads.enter('another owner');
    const app = appWithoutSums();
    try {
      const zeta = await signIn(app, api.keys.zeta);
      const html = await pageOf('/tenant', zeta);
      expect(html).toContain('data-live="/tenant/usage/2026-05/live"');
      expect(html).toContain('http-equiv="refresh"');
      expect(read(html)).toContain('LLM charges AUD 7.77');
      expect(await pageOf('/tenant/usage/2026-05/live', zeta)).not.toContain('data-ended');
      leave();
      const live = () => pageOf('/tenant/usage/2026-05/live', zeta);
      await until(live, (text) => text.includes('data-ended'));
      expect(await pageOf('/tenant', zeta)).not.toContain('data-live');
    } finally {
      leave();
    }
    await request(app).get('/tenant/usage/2026-05/live').expect(401);
  });

  test('has its numbers if the days cannot be read', async () => {
    const app = appWithoutSums((query) =>
      query.sql.includes('width_bucket') ? { ...query, sql: 'SELECT 1/0' } : query,
    );
    const html = await pageOf('/tenant', await signIn(app, api.keys.acme));
    expect(html).toContain('can’t be shown at the moment');
    expect(html).not.toContain('data-live');
    expect(read(html)).toContain('LLM charges AUD 15.00');
  });
});

describe('invoices', () => {
  test('are listed with balance and documents', async () => {
    const html = await pageOf('/tenant/invoices');
    const text = read(html);
    expect(text).toMatch(/Balance AUD 62\.14/);
    expect(text).toMatch(/acme-000001 April 2026/);
    expect(text).not.toContain('zeta');
    const links = [...html.matchAll(/href="([^"]+\.(?:pdf|csv))"/g)].map(([, link]) => link!);
    expect(links).toHaveLength(2);
    for (const link of links) expect((await tenant.get(link)).status, link).toBe(200);
  });

  test('can be only those that are open, overdue or paid', async () => {
    const shown = async (show: string) => read(await pageOf(`/tenant/invoices?show=${show}`));
    expect(await pageOf('/tenant/invoices')).toContain('href="/tenant/invoices?show=open">1<');
    expect(await shown('open')).toContain('acme-000001');
    expect(await shown('overdue')).toContain('No overdue invoices.');
    expect(await shown('paid')).toContain('No paid invoices.');
    expect((await tenant.get('/tenant/invoices?show=due')).status).toBe(422);
    const operator = await signIn(api.app, api.keys.operator);
    const list = await pageOf('/operator/tenants/zeta/invoices?show=open', operator);
    expect(read(list)).toContain('zeta-000001');
    expect(list).toMatch(/href="\/operator\/invoices\/[\w-]+\/pay">Record payment/);
  });

  test('say how the balance is paid, as the documents do, and only the tenant is told', async () => {
    const [, href = ''] = /href="(\/tenant\/invoices\/[\w-]+)#pay">How to pay/.exec(
      await pageOf('/tenant/invoices'),
    )!;
    const text = read(await pageOf(href));
    expect(text).toMatch(
      /How to pay Pay AUD 62\.14 by \d+ \w+ \d{4}\. Reference: acme-000001 Payable within 14 days\. Account &lt;7&gt; BSB 000-000/,
    );
    const operator = await signIn(api.app, api.keys.operator);
    const ofOperator = await pageOf(href.replace('/tenant', '/operator'), operator);
    expect(ofOperator).not.toContain('How to pay');
  });

  test('lead to their lines, usage, notes and payments, without what only operators see', async () => {
    const [, href = ''] = /href="(\/tenant\/invoices\/[\w-]+)"/.exec(
      await pageOf('/tenant/invoices'),
    )!;
    const html = await pageOf(href);
    const text = read(html);
    expect(text).toContain('Invoice acme-000001');
    expect(text).toMatch(/Adjustment notes .* acme-A000001/);
    expect(text).toMatch(/Payments .* 0\.01/);
    expect(text).not.toMatch(/Rerun|Recorded by|Requested by|Released|Temporal|key:|a test/);
    expect(html).not.toContain('/operator');
    const [, line = ''] = /href="([^"]+\/lines\/\d+)"/.exec(html)!;
    expect(read(await pageOf(line))).toContain('Billed events');
    expect((await tenant.get(`${line}/usage.csv`)).status).toBe(200);
    const [, note = ''] = /href="(\/tenant\/adjustment-notes\/[\w-]+)"/.exec(html)!;
    const shown = read(await pageOf(note));
    expect(shown).toMatch(/Adjusts acme-000001/);
    expect(shown).not.toMatch(/key:|Temporal/);
  });

  test('have notes and payments in lists of their own', async () => {
    expect(read(await pageOf('/tenant/adjustment-notes'))).toMatch(/acme-A000001 April 2026/);
    expect(read(await pageOf('/tenant/payments'))).toMatch(/for acme-000001 .* AUD 0\.01/);
    const zeta = await signIn(api.app, api.keys.zeta);
    expect(read(await pageOf('/tenant/adjustment-notes', zeta))).toContain('No adjustment notes.');
    expect(read(await pageOf('/tenant/payments', zeta))).toContain('No payments yet.');
  });

  test('are not there before their release', async () => {
    const { db } = api;
    await seedSeller(db, { release: 'review' }, 3);
    await buildInvoices({ activities }, ['acme'], { month: '2026-03' });
    const [march] = (await invoicesOf(db, 'acme')).filter(({ month }) => month === '2026-03');
    await pay(db, march!.number, 100);
    for (const path of ['invoices', 'payments', 'usage/2026-05']) {
      expect(read(await pageOf(`/tenant/${path}`)), path).not.toMatch(/March|acme-000002/);
    }
    for (const path of [`invoices/${march!.invoiceId}`, `invoices/${march!.invoiceId}.pdf`]) {
      expect((await tenant.get(`/tenant/${path}`)).status, path).toBe(404);
    }
    expect((await tenant.get('/tenant/usage/2026-03')).status).toBe(404);
    await seedSeller(db, { release: 'immediate' }, 4);
  });
});

describe('usage', () => {
  test('leads to a month, by default the running one', async () => {
    expect((await tenant.get('/tenant/usage')).headers.location).toBe('/tenant/usage/2026-05');
    const chosen = await tenant.get(`/tenant/usage?month=${APRIL}`);
    expect(chosen.headers.location).toBe(`/tenant/usage/${APRIL}`);
    expect((await tenant.get('/tenant/usage?month=x')).status).toBe(422);
  });

  test('shows released months, and exports each', async () => {
    const html = await pageOf(`/tenant/usage/${APRIL}`);
    const months = [...html.matchAll(/<option value="([\d-]+)"/g)].map(([, month]) => month);
    expect(months).toEqual(['2026-05', APRIL]);
    expect(read(html)).toMatch(/15 April 2026 2 AUD 1\.50 AUD 1\.50 1,500,000/);
    const csv = await tenant.get(`/tenant/usage/${APRIL}.csv`);
    expect(csv.text).toContain(`${APRIL}-15,acme-a,llm_usage,model,2,,150,AUD`);
    expect(csv.headers['content-disposition']).toContain(`usage-acme-${APRIL}.csv`);
  });
});

test('sums of days are kept for a minute although usage arrives, and say when they were made', async () => {
  const zeta = await signIn(appWithoutSums(), api.keys.zeta);
  const days = async () => read(await pageOf('/tenant/usage/2026-05', zeta));
  const later = (ms: number) => {
    clock = new Date(clock.getTime() + ms);
  };
  expect(await days()).toMatch(/as of 2026-05-16 12:00 UTC.* AUD 7\.77/);
  const event = llmEvent({ tenant_id: 'zeta', deployment_id: 'zeta-a', charge_cents: '100' });
  await sendUsage(api, 'llm-usage', [event]);
  later(59_000);
  expect(await days()).toMatch(/as of 2026-05-16 12:00 UTC.* AUD 7\.77/);
  expect(read(await pageOf('/tenant', zeta))).toContain('LLM charges AUD 8.77');
  later(2000);
  expect(await days()).toMatch(/as of 2026-05-16 12:01 UTC.* AUD 8\.77/);
  // Nothing has arrived since, so the sums are still right.
  later(600_000);
  expect(await days()).toContain('as of 2026-05-16 12:01 UTC');
});

describe('spend thresholds', () => {
  const PATH = '/tenant/thresholds';

  test('are set, replaced and removed', async () => {
    const set = (fields: Record<string, string>) => tenant.post(PATH, fields);
    expect((await set({ threshold_id: 'warning', amount: '1,250.50' })).status).toBe(303);
    expect((await set({ threshold_id: 'double', percent: '200' })).status).toBe(303);
    let text = read(await pageOf(PATH));
    expect(text).toMatch(/double 200 % of the plan/);
    expect(text).toMatch(/warning AUD 1,250\.50/);
    expect((await set({ threshold_id: 'warning', amount: '99' })).status).toBe(303);
    text = read(await pageOf(PATH));
    expect(text).toMatch(/warning AUD 99\.00/);
    expect(text).not.toContain('1,250');

    const zeta = await signIn(api.app, api.keys.zeta);
    expect(read(await pageOf(PATH, zeta))).toContain('No thresholds yet.');
    await zeta.post(`${PATH}/warning/remove`, {});
    expect(read(await pageOf(PATH))).toContain('warning');
    for (const id of ['warning', 'double', 'gone']) {
      expect((await tenant.post(`${PATH}/${id}/remove`, {})).status, id).toBe(303);
    }
    expect(read(await pageOf(PATH))).toContain('No thresholds yet.');
  });

  test.each([
    [{ threshold_id: 'x y', amount: '5' }, 'threshold_id', 'Name: expected an id'],
    [{ threshold_id: 'x', amount: 'many' }, 'amount', 'Amount: expected an amount above 0'],
    [{ threshold_id: 'x', amount: '1.234' }, 'amount', 'Amount: expected an amount above 0'],
    [{ threshold_id: 'x', amount: '99,50' }, 'amount', 'Amount: write 99.50, not 99,50'],
    [{ threshold_id: 'x', percent: '100' }, 'percent', 'Percentage: expected a whole number'],
    [{ threshold_id: 'x', percent: '1e3' }, 'percent', 'Percentage: expected a whole number'],
    [{ threshold_id: 'x', amount: '5', percent: '150' }, 'amount', 'Enter either'],
    [{ threshold_id: 'x' }, 'amount', 'Enter either'],
  ])('show errors next to their field and keep the input: %j', async (fields, field, message) => {
    const { status, text } = await tenant.post(PATH, fields);
    expect(status).toBe(422);
    expect(text).toContain(`id="${field}-mistake">${message}`);
    expect(text).toContain('<title>Error: ');
    expect(text).toContain(`value="${fields.threshold_id}"`);
    expect(read(await pageOf(PATH))).toContain('No thresholds yet.');
  });

  test('need a form of this session', async () => {
    const forged = await tenant.post(PATH, { form_token: 'x', threshold_id: 'x', amount: '5' });
    expect(forged.status).toBe(403);
    const elsewhere = { 'Sec-Fetch-Site': 'cross-site' };
    const sent = await tenant.post(PATH, { threshold_id: 'x', amount: '5' }, elsewhere);
    expect(sent.status).toBe(403);
  });
});

test('a session opens the pages of its own kind only', async () => {
  const operator = await signIn(api.app, api.keys.operator);
  const [note] = await notesOf(api.db, 'acme');
  for (const path of ['', '/invoices', `/adjustment-notes/${note!.invoiceId}`, '/thresholds']) {
    const { status, text } = await operator.get(`/tenant${path}`);
    expect(status, path).toBe(403);
    // The operator stays signed in, with the operator's own navigation.
    expect(text).toContain('href="/operator/months"');
    expect(text).toContain('href="/sign-in">Sign in with another key');
  }
  expect((await tenant.get(`/operator/adjustment-notes/${note!.invoiceId}`)).status).toBe(403);
  expect((await operator.get('/sign-in?then=%2Ftenant')).headers.location).toBe('/operator/months');
});
