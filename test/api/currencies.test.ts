import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { insertExchangeRates } from '../../src/db/tax/tax-data.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { runCli } from '../cli/_run-cli.ts';
import { MAY, PLAN, operatorOf, problemOf, type Operator } from './_catalogue.ts';
import { createTestApi, llmEvent, sendUsage, type TestApi } from './_harness.ts';
import { signIn, type TestBrowser } from './_pages.ts';

/** A base price of 1,234,567 minor units and a charge of 250.5 add up to 1,358,300 with GST. */
const CASES = [
  { currency: 'USD', base: '12,345.67', total: '13,583.00', charge: '2.505', llm: '2.51' },
  { currency: 'JPY', base: '1,234,567', total: '1,358,300', charge: '250.5', llm: '251' },
  { currency: 'KWD', base: '1,234.567', total: '1,358.300', charge: '0.2505', llm: '0.251' },
  { currency: 'CLF', base: '123.4567', total: '135.8300', charge: '0.02505', llm: '0.0251' },
] as const;
const tenantOf = (currency: string) => `in-${currency.toLowerCase()}`;

let api: TestApi;
let operator: Operator;
let browser: TestBrowser;
beforeAll(async () => {
  api = await createTestApi();
  operator = operatorOf(api);
  for (const { currency } of CASES) {
    const id = tenantOf(currency);
    await operator.put(`plans/${id}/versions/1`, {
      ...{ ...PLAN, currency, base_price_cents: 1_234_567 },
    });
    await operator.put(`tenants/${id}`, { name: id, currency });
    await operator.put(`deployments/${id}`, { tenant_id: id });
    const plan = { code: id, version: 1 };
    await operator.put(`subscriptions/${id}`, { deployment_id: id, plan, starts_at: MAY });
    const event = llmEvent({
      ...{ gateway_request_id: id, tenant_id: id, deployment_id: id },
      ...{ charge_cents: '250.5', currency, occurred_at: '2026-05-10T00:00:00Z' },
    });
    await sendUsage(api, 'llm-usage', [event]);
  }
  await api.db.transaction((tx) =>
    insertExchangeRates(
      tx,
      CASES.map(({ currency }) => ({
        ...{ from: currency, to: 'AUD', month: '2026-05', entry: 1 },
        ...{ rate: '1.25', source: 'made up' },
      })),
    ),
  );
  const activities = createActivities({ ...ACTIVITY_DEPS, db: api.db, bounds: NO_BOUNDS });
  await buildInvoices(
    { activities },
    CASES.map(({ currency }) => tenantOf(currency)),
  );
  browser = await signIn(api.app, api.keys.operator);
});
afterAll(() => api[Symbol.asyncDispose]());

describe.each(CASES)('a tenant billed in $currency', ({ currency, base, total, charge, llm }) => {
  const id = tenantOf(currency);
  const invoiceOf = async () => (await invoicesOf(api.db, id))[0]!;
  const cli = async (...args: string[]) =>
    (await runCli(args, { DATABASE_URL: api.superuserUrl })).stdout;

  test('is invoiced in whole minor units', async () => {
    const { invoiceId } = await invoiceOf();
    expect((await operator.get(`invoices/${invoiceId}`)).body).toMatchObject({
      currency,
      total_cents: 1_358_300,
      lines: [
        { amount_cents: 1_234_567 },
        { amount_cents: 251, meta: { exact_cents: '250.5' } },
        { kind: 'tax', amount_cents: 123_482 },
      ],
    });
  });

  test('gets documents with the decimals of the currency', async () => {
    const { invoiceId } = await invoiceOf();
    const { text: html } = await operator.get(`invoices/${invoiceId}.html`);
    expect(html).toContain(`>${base} per\u00a0month<`);
    expect(html).toContain(`Before rounding: ${currency} ${charge}`);
    expect(html).toContain(`Total ${currency}, including GST</th><td class="n">${total}</td>`);
    const { text: csv } = await operator.get(`invoices/${invoiceId}.csv`);
    const rows = parse<Record<string, string>>(csv, { columns: true });
    expect(rows.map(({ amount }) => amount).slice(0, 2)).toEqual([base.replaceAll(',', ''), llm]);
  });

  test('is shown in that currency on the pages', async () => {
    const { invoiceId } = await invoiceOf();
    const { text: invoice } = await browser.get(`/operator/invoices/${invoiceId}`);
    expect(invoice).toContain(`Total ${currency}, including GST</dt><dd>${total}</dd>`);
    expect(invoice).toContain(`<td class="figure" data-label="Amount">${llm}</td>`);
    const { text: line } = await browser.get(`/operator/invoices/${invoiceId}/lines/2`);
    expect(line).toContain(`<dd>${currency} ${charge}</dd>`);
    const { text: month } = await browser.get('/operator/months/2026-05');
    expect(month).toContain(`${currency} ${total}`);
    const { text: invoices } = await browser.get('/operator/months/2026-05/invoices');
    expect(invoices).toContain(`${currency} ${total}`);
    const { text: quote } = await browser.get(`/quote?plan_code=${id}&show=price`);
    expect(quote).toContain(`${currency} ${base} per month`);
  });

  test('is shown in that currency by the CLI', async () => {
    const { number } = await invoiceOf();
    const [shown, list, usage, preview] = await Promise.all([
      cli('invoices', 'show', number),
      cli('invoices', 'list', '--tenant', id),
      cli('invoices', 'usage', number, '--line', '2'),
      cli('month-end', 'preview', '2026-05', '--tenant', id),
    ]);
    expect(shown).toContain(base);
    expect(shown).toContain(`Before rounding: ${currency} ${charge}`);
    expect(shown).toMatch(
      new RegExp(`Total ${currency}, including GST +${total.replaceAll('.', '\\.')}`),
    );
    expect(list).toContain(total);
    expect(usage).toContain(`1 event, exactly ${currency} ${charge}`);
    expect(preview).toContain(
      `${currency}: 1 tenant, ${total} would be invoiced, currently ${total}`,
    );
  });
});

test('charges in different currencies are never added', async () => {
  const { body } = await operator.get('roll-ups/2026-05');
  const { reconciliation, control_totals } = body as {
    reconciliation: { currency: string; resource_kind: string; total: string }[];
    control_totals: {
      usage: { currency: string; total: string }[];
      lines: { currency: string; exact_cents: string }[];
    };
  };
  const each = [...CASES].map(({ currency }) => [currency, '250.5']).sort();
  expect(reconciliation.map(({ currency, total }) => [currency, total])).toEqual(each);
  expect(control_totals.usage.map(({ currency, total }) => [currency, total])).toEqual(each);
  expect(control_totals.lines.map((row) => [row.currency, row.exact_cents])).toEqual(each);
});

describe.each(['ZZZ', 'XAU', 'XXX', 'HRK', 'aud'])('rejects %s as a currency', (currency) => {
  test.each<[string, string, object, string]>([
    ['for a plan', 'plans/odd/versions/1', { ...PLAN, currency }, '/currency'],
    ['for a tenant', 'tenants/odd', { name: 'odd', currency }, '/currency'],
    [
      'in a catalogue',
      'catalogue',
      { plans: [{ code: 'odd', versions: [{ version: 1, ...PLAN, currency }] }] },
      '/plans/0/versions/0/currency',
    ],
  ])('%s', async (_what, path, body, place) => {
    expect(problemOf(await operator.put(path, body))).toEqual({
      ...{ status: 422, problem: 'invalid-request', places: [place] },
    });
  });

  test('in an LLM event', async () => {
    const sent = await api.call('post', '/api/v1/integrations/llm-usage', {
      ...{ key: api.keys.gateway, body: llmEvent({ currency }) },
    });
    expect(sent.status).toBe(422);
    expect(JSON.stringify(sent.body)).toContain('/currency');
  });
});
