import type { Page } from 'playwright-core';
import { createUsageClient } from '../../src/client/gateway/usage-client.ts';
import { listDemoDeployments, readDemoFiles } from '../../dev/demo-files.ts';
import { makeLateEvent } from '../../dev/demo-usage.ts';
import { downTo, type Picture } from './picture.ts';
import { MONTH, type Shop } from './shop.ts';

/** A tenant whose gateway sends usage late. */
const LATE_TENANT = 'juniper-labs';

/** The operator pages and the quote page, as an operator sees them. */
export const OPERATOR_PAGES: readonly Picture[] = [
  {
    name: 'operator-month',
    shows: 'a month that is being closed',
    when: 'closing',
    size: { width: 1100, height: 1800 },
    async show(page, shop) {
      await openSignedIn(page, shop, `/operator/months/${MONTH}`);
      return downTo(page, page.locator('#comparison ~ .scroll').first());
    },
  },
  {
    name: 'operator-parked',
    shows: 'parked tenants, why, and what to do',
    size: { width: 1100, height: 800 },
    async show(page, shop) {
      await openSignedIn(page, shop, `/operator/months/${MONTH}/parked`);
      return downTo(page, page.getByRole('button', { name: 'Rerun selected' }));
    },
  },
  {
    name: 'operator-invoice',
    shows: 'an invoice after a forced rerun: what it changed, and its revisions',
    size: { width: 1100, height: 1800 },
    async show(page, shop) {
      await reRunForLateUsage(page, shop);
      return downTo(page, page.getByRole('table').last());
    },
  },
  {
    name: 'quote',
    shows: "a plan's price by expected usage",
    size: { width: 1100, height: 960 },
    async show(page, shop) {
      const usage = 'usage.llm_tokens=1500000&usage.spaces_gb_month=150';
      await openSignedIn(page, shop, `/quote?plan_code=studio&${usage}&starts_on=2026-10-20`);
      return downTo(page, page.getByRole('button', { name: 'Show price' }));
    },
  },
];

async function openSignedIn(page: Page, { stack }: Shop, path: string): Promise<void> {
  await page.goto(`${stack.env.API_URL}${path}`);
  await page.fill('#key', stack.env.OPERATOR_API_KEY);
  await page.click('form.sheet button');
  await page.waitForSelector('.sign-out');
}

/** An operator forces a rerun from the pages, and opens the new revision. */
async function reRunForLateUsage(page: Page, shop: Shop): Promise<void> {
  const { API_URL, GATEWAY_API_KEY } = shop.stack.env;
  const gateway = createUsageClient({ apiUrl: API_URL, apiKey: GATEWAY_API_KEY });
  for (const deployment of listDemoDeployments(readDemoFiles())) {
    if (deployment.tenantId === LATE_TENANT) {
      await gateway.postOne('llm', makeLateEvent(MONTH, deployment));
    }
  }
  await openSignedIn(page, shop, `/operator/months/${MONTH}/re-run?tenant_id=${LATE_TENANT}`);
  await page.fill('#reason', 'usage that came late');
  await page.click('text="Rerun"');
  await page.waitForSelector('text=The request is done');
  await page.click('a[href^="/operator/invoices/"]');
  await page.waitForSelector('#revisions');
}
