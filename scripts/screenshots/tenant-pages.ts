import type { Page } from 'playwright-core';
import { createUsageClient } from '../../src/client/gateway/usage-client.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { loadCalendar } from '../../src/db/settings/load-calendar.ts';
import { listDemoDeployments, readDemoFiles } from '../../dev/demo-files.ts';
import { makeLlmEvents, makeMeteredRecords } from '../../dev/demo-usage.ts';
import { simulateUsage } from '../../dev/simulator.ts';
import { downTo, type Picture } from './picture.ts';
import { STUDIO_TENANT } from '../../dev/demo-checks.ts';
import type { Shop } from './shop.ts';

/** With one deployment. */
const TENANT = STUDIO_TENANT;

/** A tenant's own pages. */
export const TENANT_PAGES: readonly Picture[] = [
  {
    name: 'tenant-month',
    shows: 'the running month of a tenant: what it costs so far, and its usage by day',
    size: { width: 1100, height: 1600 },
    async show(page, shop) {
      await useRunningMonth(shop);
      await openSignedIn(page, shop);
      await page.waitForSelector('.chart');
      return downTo(page, page.locator('.columns'));
    },
  },
];

async function openSignedIn(page: Page, { stack }: Shop): Promise<void> {
  const key = { label: TENANT, scope: 'tenant', tenantId: TENANT } as const;
  const { plainKey } = await createKey(stack.db, key);
  await page.goto(`${stack.env.API_URL}/tenant`);
  await page.fill('#key', plainKey);
  await page.click('form.sheet button');
}

/** Sends the tenant's usage of the running month up to now. */
async function useRunningMonth({ stack: { db, env } }: Shop): Promise<void> {
  const files = readDemoFiles();
  const calendar = await loadCalendar(db);
  const now = new Date();
  const month = calendar.monthOf(now);
  const deployments = listDemoDeployments(files).filter(({ tenantId }) => tenantId === TENANT);
  const isPast = ({ occurred_at }: { readonly occurred_at: string }) =>
    new Date(occurred_at) <= now;
  const clientFor = (apiKey: string) => createUsageClient({ apiUrl: env.API_URL, apiKey });
  await simulateUsage({
    gateway: clientFor(env.GATEWAY_API_KEY),
    metering: clientFor(env.METERING_API_KEY),
    events: makeLlmEvents(calendar, month, deployments).filter(isPast),
    records: makeMeteredRecords(calendar, month, deployments, {}).filter(isPast),
    onProgress: () => undefined,
  });
}
