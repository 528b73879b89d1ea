import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { digestOf, hold } from '../../src/ingestion/quarantine/hold.ts';
import { recordItems } from '../../src/catalogue/record-items.ts';
import { recordControlTotals } from '../../src/ingestion/record-control-totals.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { sql } from '../../src/db/sql.ts';
import { createTemporalLinks } from '../../src/temporal/temporal-links.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { backdate } from '../_util/backdate.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { settleInvoice } from '../_util/build.ts';
import { MONTH, seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';
import { closed } from '../_util/world.ts';
import { expectAccessible } from './_axe.ts';
import { expectFits } from './_layout.ts';
import { LOOKS } from './_looks.ts';
import { takeScreenshot } from './_screenshot.ts';
import { startBrowserStack, type BrowserStack } from './_stack.ts';
import { test } from './_test.ts';

const BEFORE = '2026-04';
/** Closed under review, so that its invoices wait. */
const REVIEWED = '2026-03';
const OF_MONTH = `/operator/months/${MONTH}`;

let stack: BrowserStack;
let tenantKey: string;
beforeAll(async () => {
  stack = await startBrowserStack({
    temporalLinks: createTemporalLinks('http://localhost:8233', 'default'),
  });
  const { db, client } = stack.world;
  for (const tenantId of ['acme', 'globex', 'initech']) await seedTenant(db, tenantId);
  await seedTenant(db, 'broken', [{ deploymentId: 'broken-a', planVersionId: null }]);
  const item = { tenant_id: 'acme', month: MONTH };
  await recordItems(
    db,
    [
      {
        ...item,
        item_id: 'workshop-7',
        description: 'Workshop',
        amount_cents: 25_000,
        month: '2026-07',
      },
      {
        ...item,
        item_id: 'outage-12',
        description: 'Credit for the outage',
        amount_cents: -40_000,
      },
      { ...item, item_id: 'abroad-3', description: 'Travel', amount_cents: 9000, taxable: false },
    ],
    'key:ops',
  );
  const globex = { tenantId: 'globex', deploymentId: 'globex-a' };
  await seedUsage(db, { ...globex, kind: 'llm_usage', amount: '1200', month: BEFORE });
  await seedUsage(db, { ...globex, kind: 'llm_usage', amount: '4321.5' });
  await seedUsage(db, { ...globex, kind: 'llm_tokens', amount: '1500000' });
  const fields = {
    ...{ gateway_request_id: 'litellm:5b1c2f:chatcmpl-77', tenant_id: 'newco', model: 'large-2' },
    ...{ deployment_id: 'newco-production', occurred_at: `${MONTH}-30T10:00:00Z` },
    ...{ charge_cents: '120.400000000001', currency: 'AUD', input_tokens: 1200 },
    attributes: { key: 'newco production', user: 'u-77' },
  };
  await hold(db, null, [
    ...(['unknown_tenant', 'conflict'] as const).map((reason) => ({
      ...{ sourceId: fields.gateway_request_id, reason, detail: 'there is no tenant newco' },
      fields: { ...fields, output_tokens: reason.length },
    })),
    {
      ...{ sourceId: digestOf('x'), reason: 'malformed', detail: 'it has no response_cost' },
      fields: { tenant_id: 'acme', model: 'x'.repeat(300) },
    },
  ]);
  const total = { tenant_id: 'globex', deployment_id: 'globex-a' };
  await recordControlTotals(
    db,
    [
      { ...total, day: `${MONTH}-15`, requests: 2, charge_cents: '8643' },
      { ...total, day: `${MONTH}-16`, requests: 1204, charge_cents: '51.170000000001' },
    ],
    { actor: 'key:gateway', now: () => new Date() },
  );
  for (const month of [BEFORE, MONTH]) {
    await requestMonthEnd(client, { month, requestId: 'close', actor: 'schedule' });
    await closed(stack.world, month);
  }
  await requestMonthEnd(client, {
    month: MONTH,
    requestId: 'again',
    actor: 'key:ops',
    reason: 'usage that came late',
    force: { tenantIds: ['globex'] },
  });
  await closed(stack.world, MONTH);
  await backdate(stack.world.superuserUrl, 'globex-000001', 44);
  const [settled] = await invoicesOf(db, 'initech');
  await settleInvoice(stack.world, settled!);
  const late = { tenantId: 'initech', deploymentId: 'initech-a', kind: 'llm_usage' };
  await seedUsage(db, { ...late, amount: '250', month: BEFORE });
  await requestMonthEnd(client, {
    month: BEFORE,
    requestId: 'adjust',
    actor: 'key:ops',
    reason: 'usage that came late',
    force: { tenantIds: ['initech'] },
  });
  await closed(stack.world, BEFORE);
  await seedSeller(db, { release: 'review' });
  await requestMonthEnd(client, { month: REVIEWED, requestId: 'close', actor: 'schedule' });
  await closed(stack.world, REVIEWED);
  tenantKey = (await createKey(db, { label: 'acme', scope: 'tenant', tenantId: 'acme' })).plainKey;
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Presses the Tab key, like a user without a mouse, until an element has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let steps = 0; steps < 80; steps += 1) {
    await page.keyboard.press('Tab');
    const isThere = await page.evaluate<boolean>(
      `document.activeElement.matches(${JSON.stringify(selector)})`,
    );
    if (isThere) return;
  }
  throw new Error(`the Tab key doesn't get to ${selector}`);
}

async function signIn(page: Page, key: string): Promise<void> {
  await page.fill('#key', key);
  await page.click('form.sheet button');
  await page.waitForSelector('.sign-out');
}

test('from sign-in to a forced rerun, with the keyboard alone', async ({ open }) => {
  const page = await open(`${stack.apiUrl}${OF_MONTH}`);
  await tabTo(page, '#key');
  await page.keyboard.type(stack.operatorKey);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#parked');
  expect(page.url()).toBe(`${stack.apiUrl}${OF_MONTH}`);

  await tabTo(page, `a[href="${OF_MONTH}/invoices"]`);
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=largest change since');
  await tabTo(page, 'input[name="tenant_id"][value="acme"]');
  await page.keyboard.press('Space');
  await tabTo(page, 'button:not(.quiet)');
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=Rerun acme');
  await tabTo(page, '#reason');
  await page.keyboard.type('looked at with the keyboard');
  await tabTo(page, 'button:not(.quiet)');
  await page.keyboard.press('Enter');

  // Its script reads it again until it is served.
  await page.waitForSelector('text=The request is done');
  await tabTo(page, 'a[href^="/operator/invoices/"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=Rerun requested by key:ops: “looked at with the keyboard”');
  const revisions = (await invoicesOf(stack.world.db, 'acme')).filter((i) => i.month === MONTH);
  expect(revisions.map(({ status }) => status)).toEqual(['superseded', 'issued']);
});

test.for(LOOKS)(
  'from sign-in to what a tenant has and why it is parked: $size, $scheme',
  async ({ size, scheme }, { open }) => {
    const page = await open(`${stack.apiUrl}/sign-in`, { size, scheme });
    await signIn(page, stack.operatorKey);
    await page.fill('#site-search', 'broken');
    await page.press('#site-search', 'Enter');
    await page.waitForSelector('text=Give the subscription a plan version.');
    expect(page.url()).toBe(`${stack.apiUrl}/operator/tenants/broken`);
    await page.click(`text=Rerun May 2026`);
    await page.waitForSelector('#reason');

    const [first] = await invoicesOf(stack.world.db, 'globex');
    await page.fill('#site-search', first!.number);
    await page.press('#site-search', 'Enter');
    await page.waitForSelector(`text=Invoice ${first!.number}`);
    await page.click('dd a[href="/operator/tenants/globex"]');
    await page.waitForSelector('#subscriptions');
    await page.click('text=Tenants');
    await page.selectOption('#state', 'parked');
    await page.click('form.filter button');
    await page.waitForSelector('text=parked in May 2026');
    expect(await page.locator('tbody tr').count()).toBe(1);
  },
);

test('a page without scripts does the same, by reloading', async ({ browser, open }) => {
  const page = await open(`${stack.apiUrl}/sign-in`);
  await signIn(page, stack.operatorKey);
  const context = await browser.newContext({
    javaScriptEnabled: false,
    storageState: await page.context().storageState(),
  });
  const plain = await context.newPage();
  await plain.goto(`${stack.apiUrl}${OF_MONTH}/re-run?tenant_id=initech`);
  await plain.fill('#reason', 'without scripts');
  await plain.click('text="Rerun"');
  await plain.waitForSelector('text=The request is done');
  await context.close();
});

describe('every page can be read, used and printed on a screen', () => {
  test.for(LOOKS)('$size, $scheme', async ({ size, scheme }, { open }) => {
    const page = await open(`${stack.apiUrl}/sign-in`, { size, scheme, expected: /404|422/ });
    const look = async (name: string, path?: string) => {
      if (path !== undefined) await page.goto(`${stack.apiUrl}${path}`);
      await expectAccessible(page);
      await expectFits(page);
      await takeScreenshot(page, `operator-${name}-${size}-${scheme}`);
    };
    await look('sign-in');
    await signIn(page, stack.operatorKey);
    await look('months', '/operator/months');
    await look('month', OF_MONTH);
    await look('books', `${OF_MONTH}/books`);
    await look('running-month', `/operator/months/${new Date().toISOString().slice(0, 7)}`);
    await look('parked', `${OF_MONTH}/parked`);
    await look('invoices', `${OF_MONTH}/invoices`);
    const live = (await invoicesOf(stack.world.db, 'globex')).at(-1);
    await look('invoice', `/operator/invoices/${live?.invoiceId}`);
    await page.click('a[href*="/lines/"]');
    await look('usage');
    const [note] = await notesOf(stack.world.db, 'initech');
    await look('note', `/operator/adjustment-notes/${note?.invoiceId}`);
    const ofInitech = await invoicesOf(stack.world.db, 'initech');
    const adjusted = ofInitech.find(({ month }) => month === BEFORE);
    await look('adjusted', `/operator/invoices/${adjusted?.invoiceId}`);
    await look('release', `/operator/months/${REVIEWED}/release`);
    await page.click('#selected');
    await page.fill('#reason', 'reviewed');
    await page.check('#confirmed');
    await page.click('.sheet button');
    await page.waitForSelector('text=There is a problem');
    await look('release-mistake');
    await look('choose', `${OF_MONTH}/re-run`);
    await look('re-run', `${OF_MONTH}/re-run?tenant_id=broken&tenant_id=globex&tenant_id=nobody`);
    await look('request', `${OF_MONTH}/requests/again`);
    await look('tenants', '/operator/tenants');
    await look('tenant', '/operator/tenants/globex');
    await look('tenant-parked', '/operator/tenants/broken');
    await look('tenant-month', '/operator/tenants/globex/this-month');
    await look('tenant-invoices', '/operator/tenants/globex/invoices');
    await look('tenant-subscriptions', '/operator/tenants/globex/subscriptions');
    await look('search', '/operator/search?q=e');
    await look('receivables', '/operator/receivables');
    await look('overdue', '/operator/receivables?show=overdue');
    await look('aging', '/operator/receivables/aging');
    await look('items', '/operator/items');
    await look('new-item', '/operator/items/new');
    await look('withdraw', '/operator/items/workshop-7/withdraw');
    await look('control-totals', `${OF_MONTH}/control-totals`);
    await look('accept-totals', `${OF_MONTH}/control-totals/globex-a/accept`);
    await look('quarantine', '/operator/quarantine?held_for=unknown_tenant');
    await look('quarantine-all', '/operator/quarantine');
    await look('quarantined-event', '/operator/quarantine/1');
    await page.fill('#reason', 'wrong ids');
    await page.fill('#as_tenant', 'no id!');
    await page.click('button:text-is("Release")');
    await page.waitForSelector('text=There is a problem');
    await look('quarantine-mistake');
    await page.fill('#as_tenant', 'nobody');
    await page.fill('#as_deployment', 'nobody-a');
    await page.click('button:text-is("Release")');
    await page.waitForSelector('text=Still held');
    await look('quarantine-result');
    await look('problem', '/operator/nowhere');
    await look(
      'quote',
      '/quote?plan_code=studio&usage.llm_tokens=1500000&usage.spaces_gb_month=150&starts_on=2026-05-20',
    );
    await look('quote-mistake', '/quote?plan_code=studio&usage.llm_tokens=many');
  });
});

test("a mistake has the focus, and leads to its field; a tenant's key opens no operator page", async ({
  open,
}) => {
  const page = await open(`${stack.apiUrl}/quote`, { expected: /422|403/ });
  await signIn(page, tenantKey);
  await page.click('text=Choose this plan');
  await page.waitForSelector('#starts_on');
  await page.goto(`${stack.apiUrl}/quote?plan_code=studio&usage.llm_tokens=many`);
  expect(await page.evaluate<string>('document.activeElement.getAttribute("role")')).toBe('alert');
  await tabTo(page, 'a[href="#usage.llm_tokens"]');
  await page.keyboard.press('Enter');
  expect(await page.evaluate<string>('document.activeElement.id')).toBe('usage.llm_tokens');
  const answer = await page.goto(`${stack.apiUrl}${OF_MONTH}`);
  expect(answer?.status()).toBe(403);
});

test('a month that is being closed moves without being loaded again', async ({ open }) => {
  const { db } = stack.world;
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO month_end_requests (period_start, request_id, actor, kind, content_hash, state, started_at)
    VALUES ('2026-05-01', 'slow', 'test', 'run', '\\x00', 'running', now())`);
  const page = await open(`${stack.apiUrl}/sign-in`);
  await signIn(page, stack.operatorKey);
  await page.goto(`${stack.apiUrl}${OF_MONTH}`);
  await page.waitForSelector('text=0 of 4 tenants');
  await page.evaluate('window.isSameDocument = true');
  await db.query(sql.typeAlias('nothing')`
    UPDATE tenant_outcomes SET recorded_at = now() + interval '1 second'
    WHERE period_start = '2026-05-01' AND tenant_id = 'acme'`);
  await page.waitForSelector('text=1 of 4 tenants');
  expect(await page.evaluate('window.isSameDocument')).toBe(true);
  await takeScreenshot(page, 'operator-closing-desktop-light');
  await expectAccessible(page);
  // When the request ends, the whole page reloads, with what needs a person.
  await db.query(sql.typeAlias('nothing')`
    UPDATE month_end_requests SET state = 'finished', finished_at = now() WHERE request_id = 'slow'`);
  await page.waitForSelector('#last-pass');
});
