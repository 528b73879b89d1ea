import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { listItems } from '../../src/db/invoices/item-views.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { invoicesOf } from '../_util/books.ts';
import { MONTH, seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';
import { closed } from '../_util/world.ts';
import { expectAccessible } from './_axe.ts';
import { expectFits } from './_layout.ts';
import { LOOKS } from './_looks.ts';
import { takeScreenshot } from './_screenshot.ts';
import { startBrowserStack, type BrowserStack } from './_stack.ts';
import { test } from './_test.ts';

/** What all pages share: tables on a phone, errors, and sessions that end. */

let stack: BrowserStack;
let invoicePath: string;
beforeAll(async () => {
  stack = await startBrowserStack();
  const { db, client } = stack.world;
  await seedSeller(db);
  await seedTenant(db, 'acme');
  await seedTenant(db, 'broken', [{ deploymentId: 'broken-a', planVersionId: null }]);
  const acme = { tenantId: 'acme', deploymentId: 'acme-a' };
  await seedUsage(db, { ...acme, kind: 'llm_usage', amount: '246626775' });
  await seedUsage(db, { ...acme, kind: 'llm_tokens', amount: '98765432109' });
  await requestMonthEnd(client, { month: MONTH, requestId: 'close', actor: 'schedule' });
  await closed(stack.world, MONTH);
  // So large a total is out of bounds until an operator accepts it.
  await requestMonthEnd(client, {
    ...{ month: MONTH, requestId: 'accept', actor: 'key:ops', reason: 'checked' },
    force: { tenantIds: ['acme'], acceptBounds: true },
  });
  await closed(stack.world, MONTH);
  const [invoice] = await invoicesOf(db, 'acme');
  invoicePath = `/operator/invoices/${invoice!.invoiceId}`;
});
afterAll(() => stack[Symbol.asyncDispose]());

async function signIn(page: Page, key = stack.operatorKey): Promise<void> {
  await page.fill('#key', key);
  await page.click('form.sheet button');
}

/** Returns the visible text of the cells below a head, wherever the layout puts them. */
async function cellsOf(page: Page, head: string): Promise<readonly string[]> {
  const cells = await page.locator(`td[data-label="${head}"]`).all();
  expect(cells.length).toBeGreaterThan(0);
  const texts = await Promise.all(cells.map((cell) => cell.innerText()));
  return texts.map((text) => text.replaceAll(/\s+/g, ' ').trim());
}

describe('what all pages share', () => {
  test.for(LOOKS)('$size, $scheme', async ({ size, scheme }, { open }) => {
    const page = await open(`${stack.apiUrl}${invoicePath}`, { size, scheme, expected: /40[14]/ });
    const look = async (name: string) => {
      await expectAccessible(page);
      await expectFits(page);
      await takeScreenshot(page, `layout-${name}-${size}-${scheme}`);
    };
    await signIn(page);
    await page.waitForSelector('#lines');

    // No column vanishes, and no figure breaks.
    expect(await cellsOf(page, 'Quantity')).toContainEqual(
      expect.stringMatching(/^98,764,432\.109/),
    );
    expect(await cellsOf(page, 'Price')).toContainEqual(expect.stringMatching(/per/));
    expect(await cellsOf(page, 'Amount')).toContain('2,466,267.75');
    await look('invoice');
    await page.goto(`${stack.apiUrl}/operator/months/${MONTH}/parked`);
    expect(await cellsOf(page, 'Reason')).toEqual([expect.stringMatching(/plan/)]);
    expect(await cellsOf(page, 'What to do')).toEqual([expect.stringMatching(/\w+/)]);
    await look('parked');

    // An error page keeps the visitor's navigation.
    await page.goto(`${stack.apiUrl}/operator/nowhere`);
    await look('error');
    await page.getByRole('link', { name: 'Start page' }).click();
    await page.waitForURL('**/operator/months');

    // The session ends before the form is sent.
    await page.goto(`${stack.apiUrl}/operator/items/new`);
    const itemId = `workshop-${size}-${scheme}`;
    await page.fill('[name="item_id"]', itemId);
    await page.fill('[name="tenant_id"]', 'acme');
    await page.fill('[name="month"]', '2026-07');
    await page.fill('[name="description"]', 'Workshop');
    await page.fill('[name="amount"]', '250.00');
    await page.context().clearCookies();
    await page.click('form.sheet button');
    await page.waitForSelector('text=Your session has ended, so nothing was sent');
    await look('ended');
    await signIn(page, 'arc_operator_mistyped');
    await page.waitForSelector('text=There is a problem');
    await signIn(page);
    await page.waitForSelector('text=Nothing has been done yet');
    expect(await page.inputValue('[name="description"]')).toBe('Workshop');
    await look('kept');
    const ids = async () =>
      (await listItems(stack.world.db, {}, { limit: 10, after: null })).map(
        ({ item_id }) => item_id,
      );
    expect(await ids()).not.toContain(itemId);
    await page.getByRole('button', { name: 'Add' }).click();
    await page.waitForURL('**/operator/items?tenant_id=acme&done=item-added');
    expect(await ids()).toContain(itemId);
  });
});
