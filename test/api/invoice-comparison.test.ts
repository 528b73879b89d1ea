import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../src/api/app.ts';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { invoicesOf, type Invoice } from '../_util/books.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { release } from '../_util/releasing.ts';
import { MONTH, seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';
import { problemOf } from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { signIn } from './_pages.ts';

/**
 * The tenant acme has invoices for March, April and May. April's is adjusted, and May has more of everything. The tenant
 * many has more charges that differ than one page shows.
 */

const [MARCH, APRIL] = ['2026-03', '2026-04'];
const MANY = Array.from({ length: 101 }, (_, index) => `many-${String(index).padStart(3, '0')}`);

let api: TestApi;
let march: Invoice, april: Invoice, may: Invoice;
beforeAll(async () => {
  api = await createTestApi();
  const { db } = api;
  const world = { activities: createActivities({ ...ACTIVITY_DEPS, db }) };
  const use = (kind: string, amount: string, month: string) =>
    seedUsage(db, { tenantId: 'acme', deploymentId: 'acme-a', kind, amount, month });
  await seedTenant(
    db,
    'many',
    MANY.map((deploymentId) => ({ deploymentId })),
  );
  await buildInvoices(world, ['acme'], { month: MARCH });
  await use('llm_usage', '100', APRIL);
  await buildInvoices(world, ['acme', 'many'], { month: APRIL });
  april = (await invoicesOf(db, 'acme'))[1]!;
  await settleInvoice(api, april);
  await use('llm_usage', '150', APRIL);
  await forceInvoices(world, ['acme'], {}, APRIL);
  await use('llm_usage', '400', MONTH);
  await use('droplet_hours', '800', MONTH);
  for (const deploymentId of MANY) {
    await seedUsage(db, { tenantId: 'many', deploymentId, kind: 'llm_usage', amount: '5' });
  }
  await buildInvoices(world, ['acme', 'many']);
  [march, april, may] = (await invoicesOf(db, 'acme')) as [Invoice, Invoice, Invoice];
});
afterAll(() => api[Symbol.asyncDispose]());

const get = (invoice: Invoice, query = '', key = api.keys.operator) =>
  api.call('get', `/api/v1/invoices/${invoice.invoiceId}/comparison${query}`, { key });

describe('the comparison of an invoice', () => {
  test('has every charge, with what adjustment notes have changed', async () => {
    const { status, body } = await get(may, '', api.keys.acme);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      invoice: { number: may.number, month: MONTH, total_cents: may.totalCents },
      compared_with: {
        ...{ number: april.number, month: APRIL, currency: 'AUD', status: 'issued' },
        total_cents: april.totalCents + 165,
        adjustment_notes: ['acme-A000001'],
      },
      difference_cents: may.totalCents - april.totalCents - 165,
      changes: [
        {
          ...{ deployment_id: 'acme-a', kind: 'llm_usage', difference_cents: 150 },
          ...{ before_cents: 250, after_cents: 400 },
          causes: [
            { cause: 'requests', before: '2', after: '1', model: null },
            { cause: 'average_charge', before: '125', after: '400' },
          ],
          before: [{ qty: '2', amount_cents: 250 }],
          after: [{ qty: '1', amount_cents: 400 }],
        },
        { kind: 'overage', difference_cents: 112, causes: [{ cause: 'added' }], before: [] },
        { kind: 'tax', difference_cents: 26, causes: [], deployment_id: null },
        { kind: 'plan_base', difference_cents: 0 },
      ],
    });
  });

  test('is with another invoice if one is named', async () => {
    const { body } = await get(may, `?with=${march.invoiceId}`);
    expect(body).toMatchObject({
      compared_with: { number: march.number },
      difference_cents: may.totalCents - march.totalCents,
    });
  });

  test('of the first invoice has nothing to compare with', async () => {
    expect((await get(march)).body).toMatchObject({
      ...{ compared_with: null, difference_cents: null, changes: [] },
      invoice: { number: march.number },
    });
  });

  test('is refused with an invoice of another tenant, and with none', async () => {
    const [other] = await invoicesOf(api.db, 'many');
    const refused = await get(may, `?with=${other!.invoiceId}`);
    expect(problemOf(refused)).toMatchObject({ status: 422 });
    expect(refused.body).toMatchObject({
      errors: [{ parameter: 'with', detail: `${other!.number} is another tenant's invoice` }],
    });
    expect((await get(may, `?with=${crypto.randomUUID()}`)).status).toBe(404);
    expect((await get(may, '?with=acme-000001')).status).toBe(404);
    expect((await get(may, `?with=${other!.invoiceId}`, api.keys.acme)).status).toBe(404);
    expect((await get(may, '', api.keys.zeta)).status).toBe(404);
  });

  test('skips months that are void, and what the tenant cannot see yet', async () => {
    await seedSeller(api.db, { release: 'review' }, 2);
    const activities = createActivities({ ...ACTIVITY_DEPS, db: api.db });
    await seedTenant(api.db, 'hidden');
    for (const month of [MARCH, APRIL, MONTH]) {
      await buildInvoices({ activities }, ['hidden'], { month });
    }
    const [first, second, third] = await invoicesOf(api.db, 'hidden');
    await release(api.db, ['hidden'], { month: MARCH });
    await release(api.db, ['hidden']);
    const key = { label: 'hidden', scope: 'tenant', tenantId: 'hidden' } as const;
    const { plainKey } = await createKey(api.db, key);
    expect((await get(third!, '', plainKey)).body).toMatchObject({
      compared_with: { number: first!.number },
    });
    expect((await get(third!)).body).toMatchObject({ compared_with: { number: second!.number } });
    await api.call('post', `/api/v1/invoices/${second!.invoiceId}/void`, {
      key: api.keys.operator,
      body: { reason: 'wrong company' },
    });
    expect((await get(third!)).body).toMatchObject({ compared_with: { number: first!.number } });
  });
});

describe('the pages', () => {
  const read = (html: string) =>
    html
      .replaceAll(/<[^>]+>/g, ' ')
      .replaceAll('\u00a0', ' ')
      .replaceAll(/\s+/g, ' ');

  test.each(['operator', 'tenant'] as const)(
    'of an invoice say why it is higher, for the %s',
    async (scope) => {
      const browser = await signIn(
        api.app,
        scope === 'operator' ? api.keys.operator : api.keys.acme,
      );
      const path = `/${scope}/invoices/${may.invoiceId}`;
      const html = await browser.get(path);
      const text = read(html.text);
      expect(text).toContain('Compared with April 2026 AUD 60.63: AUD 2.88 (5.0%) more than');
      expect(text).toMatch(
        /LLM usage Requests: 1, before 2 Average charge of a request: AUD 4\.00, before AUD 1\.25 acme-a/,
      );
      expect(html.text).toContain(`href="${path}/compare"`);
      const whole = await browser.get(`${path}/compare`);
      expect(whole.status).toBe(200);
      expect(read(whole.text)).toContain('acme-000002 includes acme-A000001.');
      expect(read(whole.text)).toContain('One charge has not changed: AUD 50.00 in both months.');
      expect(read(whole.text)).not.toContain('Next page');
    },
  );

  test('of a first invoice have no comparison', async () => {
    const operator = await signIn(api.app, api.keys.operator);
    const path = `/operator/invoices/${march.invoiceId}`;
    expect((await operator.get(path)).text).not.toContain('Compared with');
    expect(read((await operator.get(`${path}/compare`)).text)).toContain(
      'There is no earlier invoice in AUD to compare it with.',
    );
  });

  test('show many differences in pages, each once', async () => {
    const operator = await signIn(api.app, api.keys.operator);
    const [, invoice] = await invoicesOf(api.db, 'many');
    const path = `/operator/invoices/${invoice!.invoiceId}`;
    expect(read((await operator.get(path)).text)).toContain('All 102 differences');
    const first = await operator.get(`${path}/compare`);
    const [, next = ''] = /href="([^"]+)" rel="next"/.exec(first.text)!;
    const second = await operator.get(next.replaceAll('&amp;', '&'));
    expect(second.text).not.toContain('rel="next"');
    const shown = [first, second].flatMap(({ text }) => text.match(/class="sub id">many-\d+/g));
    expect(new Set(shown).size).toBe(101);
    expect(shown).toHaveLength(101);
    expect((await operator.get(`${path}/compare?cursor=LTE`)).status).toBe(422);
  });

  test('read the lines of a comparison once, until another document belongs to it', async () => {
    let reads = 0;
    const db = interceptQueries(api.deps.db, (query) => {
      if (query.sql.includes('FROM invoice_lines')) reads += 1;
      return query;
    });
    const operator = await signIn(createApp({ ...api.deps, db }), api.keys.operator);
    const visit = async () =>
      read((await operator.get(`/operator/invoices/${april.invoiceId}/compare`)).text);
    const first = await visit();
    expect(first).toContain('AUD 57.75');
    expect(reads).toBe(1);
    expect(await visit()).toBe(first);
    expect(reads).toBe(1);

    const late = { tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount: '100' };
    await seedUsage(api.db, { ...late, month: APRIL });
    const activities = createActivities({ ...ACTIVITY_DEPS, db: api.db });
    await forceInvoices({ activities }, ['acme'], {}, APRIL);
    expect(await visit()).toContain('acme-000002 includes acme-A000001, acme-A000002.');
    expect(reads).toBe(2);
  });
});
