import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { listPayments } from '../../src/db/invoices/payment-views.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { MONTH, seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';
import { closed } from '../_util/world.ts';
import { expectAccessible } from './_axe.ts';
import { expectNoSidewaysScroll } from './_layout.ts';
import { LOOKS } from './_looks.ts';
import { takeScreenshot } from './_screenshot.ts';
import { startBrowserStack, type BrowserStack } from './_stack.ts';
import { test } from './_test.ts';

/** Closed under review, so that its invoices wait. */
const REVIEWED = '2026-03';

let stack: BrowserStack;
/** A tenant for each look, because an action is done once. */
const tenantOf = ({ size, scheme }: (typeof LOOKS)[number]) => `acme-${size}-${scheme}`;
beforeAll(async () => {
  stack = await startBrowserStack();
  const { db, client } = stack.world;
  for (const tenantId of [...LOOKS.map(tenantOf), 'voided']) {
    await seedTenant(db, tenantId);
    const usage = { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage' };
    await seedUsage(db, { ...usage, amount: '1234.567' });
  }
  await requestMonthEnd(client, { month: MONTH, requestId: 'close', actor: 'schedule' });
  await closed(stack.world, MONTH);
  await seedSeller(db, { release: 'review' });
  await requestMonthEnd(client, { month: REVIEWED, requestId: 'close', actor: 'schedule' });
  await closed(stack.world, REVIEWED);
});
afterAll(() => stack[Symbol.asyncDispose]());

async function signIn(page: Page): Promise<void> {
  await page.fill('#key', stack.operatorKey);
  await page.click('form.sheet button');
  await page.waitForSelector('.sign-out');
}
const invoiceOf = async (tenantId: string, month: string) => {
  const found = await invoicesOf(stack.world.db, tenantId);
  const invoice = found.find((one) => one.month === month);
  return { number: invoice!.number, href: `/operator/invoices/${invoice!.invoiceId}` };
};

describe('an operator does it where the invoice is', () => {
  test.for(LOOKS)('$size, $scheme', async (look, { open }) => {
    const { db } = stack.world;
    const tenantId = tenantOf(look);
    const { href, number } = await invoiceOf(tenantId, MONTH);
    const waiting = await invoiceOf(tenantId, REVIEWED);
    const page = await open(`${stack.apiUrl}${href}`, { ...look, expected: /422/ });
    const see = async (name: string) => {
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
      await takeScreenshot(page, `action-${name}-${look.size}-${look.scheme}`);
    };
    const confirm = async () => {
      await page.check('#confirmed');
      await page.click('form.sheet button');
    };
    await signIn(page);

    await page.click('text=Rerun this tenant');
    await page.waitForSelector('text=is replaced by a revision');
    await see('rerun');
    await page.goBack();

    await page.click('text=Record payment');
    await see('pay');
    await page.fill('#amount', '10,00');
    await confirm();
    await page.waitForSelector('text=There is a problem');
    await see('pay-mistake');
    await page.fill('#amount', '10.00');
    await page.click('form.sheet button');
    await page.waitForSelector('text=Nothing has been done yet');
    await see('pay-check');
    await confirm();
    await page.waitForSelector('text=The payment is recorded.');
    await see('paid');
    expect(await listPayments(db, { tenantId }, { after: null, limit: 5 })).toMatchObject([
      { amount_cents: 1000, actor: 'key:ops' },
    ]);

    await page.click('a[href$="/credit?line_no=2"]');
    await page.fill('#amount', '5');
    await page.fill('#reason', 'outage of 12 May');
    await see('credit');
    await page.click('text=Continue');
    await page.waitForSelector('text=An adjustment note of AUD −5.50 is issued');
    await see('credit-check');
    await confirm();
    await page.waitForSelector('text=The credit is given.');
    await see('credited');
    expect(await notesOf(db, tenantId)).toMatchObject([{ totalCents: -550 }]);

    await page.click('a[href$="/lines/2"]');
    await see('usage');
    await page.click('a[href^="/operator/usage-exclusions/new"]');
    await page.waitForSelector(`text=until May 2026 is rerun for ${tenantId}`);
    await page.fill('#reason', 'sent twice');
    await see('exclude');
    await confirm();
    await page.waitForSelector('text=excluded by the next rerun');
    await see('excluded');

    await page.goto(`${stack.apiUrl}${href}`);
    await page.click('text=Add a charge or credit');
    await page.fill('#description', 'Workshop');
    await page.fill('#amount', '250');
    await page.click('text=Continue');
    await page.waitForSelector('text=is charged AUD 250.00 for “Workshop”');
    await see('item-check');
    await page.click('text="Add"');
    await page.waitForSelector('text=The charge or credit is recorded.');

    await page.goto(`${stack.apiUrl}${href}/void`);
    await page.waitForSelector(`text=invoice ${number} is settled`);
    await see('void-refused');

    await page.goto(`${stack.apiUrl}${waiting.href}`);
    await page.click('text="Release"');
    await page.fill('#reason', 'reviewed');
    await see('release');
    await confirm();
    await page.waitForSelector('text=The tenant sees this month now.');
    await see('released');
  });
});

test('an invoice is voided with the keyboard alone', async ({ open }) => {
  const { href } = await invoiceOf('voided', MONTH);
  const page = await open(`${stack.apiUrl}${href}/void`);
  await signIn(page);
  await expectAccessible(page);
  await page.focus('#reason');
  await page.keyboard.type('billed to the wrong company');
  await page.keyboard.press('Tab');
  expect(await page.evaluate<string>('document.activeElement.id')).toBe('confirmed');
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=The invoice is void.');
  await page.waitForSelector('text=Marked as void by key:ops');
});
