import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { listInvoices } from '../../src/db/invoices/invoice-views.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { backdate } from '../_util/backdate.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { seedTenant } from '../_util/seed.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { read, signIn, type TestBrowser } from './_pages.ts';

/**
 * The operators' page of what all tenants owe. Each invoice has a total of 55.00 and is due 14 days after its issue. 51
 * tenants are one day late with May; acme and zeta have an invoice in each other state.
 */

const PATH = '/operator/receivables';
const LATE = Array.from({ length: 51 }, (_, n) => `late-${n}`);

let api: TestApi;
let operator: TestBrowser;
beforeAll(async () => {
  api = await createTestApi();
  const { db, superuserUrl } = api;
  const activities = createActivities({ ...ACTIVITY_DEPS, db });
  for (const tenantId of LATE) await seedTenant(db, tenantId);
  await buildInvoices({ activities }, LATE);
  for (const tenantId of LATE) await backdate(superuserUrl, `${tenantId}-000001`, 15);
  for (const month of ['2026-03', '2026-04', '2026-05']) {
    await buildInvoices({ activities }, ['acme', 'zeta'], { month });
  }
  await pay(api.deps.db, 'acme-000001', 5000);
  await backdate(superuserUrl, 'acme-000001', 45);
  await pay(api.deps.db, 'acme-000002', 2000);
  await pay(api.deps.db, 'zeta-000001', 5500);
  await pay(api.deps.db, 'zeta-000002', 6000);
  const voided = (await invoicesOf(db, 'zeta')).find(({ number }) => number === 'zeta-000003');
  await voidInvoice(db, { invoiceId: voided!.invoiceId, actor: 'x', reason: 'x' });
  operator = await signIn(api.app, api.keys.operator);
});
afterAll(() => api[Symbol.asyncDispose]());

async function pageOf(path: string, visitor = operator): Promise<string> {
  const { status, text } = await visitor.get(path);
  expect({ path, status }).toEqual({ path, status: 200 });
  return text;
}

/** Returns the numbers on all pages of the list, by page. */
async function numbersOf(query: string): Promise<readonly string[][]> {
  const pages: string[][] = [];
  for (let path: string | undefined = PATH + query; path !== undefined;) {
    const html = await pageOf(path);
    const heads = [...html.matchAll(/<th scope="row"[^>]*><a [^>]*>([^<]+)</g)];
    pages.push(heads.map(([, number]) => number!));
    path = /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll('&amp;', '&');
  }
  return pages;
}

describe('the receivables', () => {
  const late = LATE.map((tenantId) => `${tenantId}-000001`);

  test.each([
    ['open', '', ['acme-000001', 'acme-000002', 'acme-000003', ...late]],
    ['overdue', '?show=overdue', ['acme-000001', ...late]],
  ])('are the %s invoices of all tenants, each on one page', async (_, query, expected) => {
    const pages = await numbersOf(query);
    expect(pages.map(({ length }) => length)).toEqual([50, expected.length - 50]);
    expect(pages.flat().sort()).toEqual([...expected].sort());
    // The newest month comes first.
    expect(pages.flat().at(-1)).toBe('acme-000001');
  });

  test('can be only the partly paid ones', async () => {
    expect(await numbersOf('?show=partly_paid')).toEqual([['acme-000002', 'acme-000001']]);
  });

  test('say whose an invoice is, what is left of it, and lead to the form that records a payment', async () => {
    const html = await pageOf(`${PATH}?show=partly_paid`);
    const [april, march] = await listInvoices(
      api.db,
      { paymentStatus: 'partly_paid' },
      { after: null, limit: 2 },
    );
    const row = new RegExp(`<tr>[^\n]*href="/operator/invoices/${march!.invoice_id}"[^\n]*`);
    expect(read(row.exec(html)![0])).toMatch(
      /acme-000001 March 2026 acme .* AUD 55\.00 5\.00 · partly paid .* overdue Record payment/,
    );
    expect(row.exec(html)![0]).toContain('href="/operator/tenants/acme"');
    expect(html).toContain(`href="/operator/invoices/${april!.invoice_id}/pay"`);
    await pageOf(`/operator/invoices/${april!.invoice_id}/pay`);
  });

  test('are in the navigation, and add up by age on a page of their own', async () => {
    expect(await pageOf('/operator/months')).toContain(`href="${PATH}">Receivables`);
    expect(await pageOf(PATH)).toContain(`href="${PATH}/aging"`);
    // Not due: 35.00 and 55.00. One day late: 51 of 55.00. 31 days late: 5.00. Overpaid: 5.00.
    expect(read(await pageOf(`${PATH}/aging`))).toMatch(
      /Balance AUD 56 90\.00 2,805\.00 5\.00 0\.00 0\.00 −5\.00 2,895\.00/,
    );
  });

  test.each(['?show=paid', '?show=x', '?cursor=x'])('refuse %s', async (query) => {
    expect((await operator.get(PATH + query)).status).toBe(422);
  });

  test("reject a tenant's key", async () => {
    const tenant = await signIn(api.app, api.keys.acme);
    for (const path of [PATH, `${PATH}?show=overdue`, `${PATH}/aging`]) {
      const { status, text } = await tenant.get(path);
      expect({ path, status }).toEqual({ path, status: 403 });
      expect(text).not.toContain('late-');
    }
  });
});

test('without invoices nothing is owed', async () => {
  await using empty = await createTestApi();
  const visitor = await signIn(empty.app, empty.keys.operator);
  for (const [path, text] of [
    [PATH, 'No open invoices.'],
    [`${PATH}?show=overdue`, 'No overdue invoices.'],
    [`${PATH}?show=partly_paid`, 'No partly paid invoices.'],
    [`${PATH}/aging`, 'No invoices yet.'],
  ] as const) {
    expect(read(await pageOf(path, visitor)), path).toContain(text);
  }
});
