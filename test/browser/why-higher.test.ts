import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { createKey } from '../../src/db/access/api-keys.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { invoicesOf } from '../_util/books.ts';
import { MONTH, seedTenant, seedUsage } from '../_util/seed.ts';
import { expectAccessible } from './_axe.ts';
import { expectNoSidewaysScroll } from './_layout.ts';
import { LOOKS } from './_looks.ts';
import { takeScreenshot } from './_screenshot.ts';
import { startBrowserStack, type BrowserStack } from './_stack.ts';
import { test } from './_test.ts';

/**
 * The question "why is this invoice higher than last month's?", from sign-in to the answer. In May, juniper has a second
 * deployment, one huge request, and late usage of April.
 */

let stack: BrowserStack;
let keys: Record<'operator' | 'tenant', string>;
let invoiceId: string;
let dearest: string;
beforeAll(async () => {
  stack = await startBrowserStack();
  const { world, operatorKey } = stack;
  const { db } = world;
  const [web, data] = [{ deploymentId: 'juniper-web' }, { deploymentId: 'juniper-data' }];
  await seedTenant(db, 'juniper', [web, { ...data, startsAt: `${MONTH}-20T00:00:00Z` }]);
  const use = (amount: string, month: string, kind = 'llm_usage') =>
    seedUsage(db, { tenantId: 'juniper', ...web, kind, amount, month });
  await use('1200.25', '2026-04');
  await buildInvoices(world, ['juniper'], { month: '2026-04' });
  await use('900', MONTH);
  dearest = await use('246626775.125', MONTH);
  await use('150', '2026-04');
  await use('1500000', MONTH, 'llm_tokens');
  await forceInvoices(world, ['juniper'], { acceptBounds: true });
  invoiceId = (await invoicesOf(db, 'juniper')).at(-1)!.invoiceId;
  const key = { label: 'juniper', scope: 'tenant', tenantId: 'juniper' } as const;
  keys = { operator: operatorKey, tenant: (await createKey(db, key)).plainKey };
});
afterAll(() => stack[Symbol.asyncDispose]());

async function signIn(page: Page, key: string): Promise<void> {
  await page.fill('#key', key);
  await page.click('form.sheet button');
  await page.waitForSelector('.sign-out');
}

/** The steps from the first page after sign-in to the invoice. */
const TO_INVOICE = {
  operator: async (page: Page) => {
    await page.goto(`${stack.apiUrl}/operator/months/${MONTH}/invoices`);
    await page.click(`a[href="/operator/invoices/${invoiceId}"]`);
  },
  tenant: async (page: Page) => {
    await page.goto(`${stack.apiUrl}/tenant/invoices`);
    await page.click(`a[href="/tenant/invoices/${invoiceId}"]`);
  },
} as const;

describe.each(['operator', 'tenant'] as const)('for the %s', (scope) => {
  test.for(LOOKS)('$size, $scheme', async ({ size, scheme }, { open }) => {
    const page = await open(`${stack.apiUrl}/sign-in`, { size, scheme });
    const look = async (name: string) => {
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
      await takeScreenshot(page, `${scope}-why-${name}-${size}-${scheme}`);
    };
    await signIn(page, keys[scope]);
    await TO_INVOICE[scope](page);
    await page.waitForSelector('text=Compared with April 2026');
    await page.waitForSelector('text=Requests: 2, before 1');
    await look('invoice');

    await page.click(`a[href$="/${invoiceId}/compare"]`);
    await page.waitForSelector('text=No charge for this deployment in April 2026');
    await page.waitForSelector('text=One-off');
    await look('comparison');

    await page.click(`nav a[href$="/invoices/${invoiceId}"]`);
    await page.click('a[href*="/lines/"]:has(.heard:text-matches("LLM usage$"))');
    await page.waitForSelector('text=Events, largest first');
    expect(await page.textContent('#events ~ .scroll tbody .id')).toBe(dearest);
    await look('usage');
    await page.click('summary');
    await page.click('a[href*="?day="]');
    await page.waitForSelector('text=Events of 15 May 2026, largest first');
    await page.selectOption('#order', 'latest');
    await page.click('button:text-is("Apply")');
    await page.waitForSelector('text=Events of 15 May 2026, latest first');
  });
});
