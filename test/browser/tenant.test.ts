import { afterAll, beforeAll, describe, expect } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';
import { expectAccessible } from './_axe.ts';
import { expectFits } from './_layout.ts';
import { LOOKS } from './_looks.ts';
import { takeScreenshot } from './_screenshot.ts';
import { startBrowserStack, type BrowserStack } from './_stack.ts';
import { test } from './_test.ts';

/** A tenant's own pages, on the 20th of a month. */

const NOW = '2026-05-20T09:30:00Z';
const CLOSED = ['2026-02', '2026-03', '2026-04'];
/** Charges in cents per request: the last two share a colour. */
const MODELS = {
  'claude-large': 41.5,
  'gpt-medium': 17.25,
  'llama-70b': 9.125,
  mixtral: 4,
  'gemma-9b': 2.5,
  'whisper-v3': 0.75,
  'embed-small': 0.0625,
};

let stack: BrowserStack;
let tenantKey: string;
beforeAll(async () => {
  stack = await startBrowserStack({ now: () => new Date(NOW) });
  const { db } = stack.world;
  const activities = createActivities({ ...ACTIVITY_DEPS, db });
  await seedSeller(db);
  await seedTenant(db, 'acme', [
    {
      deploymentId: 'acme-production',
      addons: [{ code: 'hours', resourceKind: 'droplet_hours', qty: '100', priceCents: 500 }],
    },
    { deploymentId: 'acme-staging' },
  ]);
  const of = { tenantId: 'acme', deploymentId: 'acme-production' };
  for (const month of CLOSED) {
    await seedUsage(db, { ...of, kind: 'llm_usage', amount: '8431.5', month });
    await seedUsage(db, { ...of, kind: 'llm_tokens', amount: '3500000', month });
    await buildInvoices({ activities }, ['acme'], { month });
  }
  const [february, march] = await invoicesOf(db, 'acme');
  await pay(db, february!.number, february!.totalCents, { method: 'bank transfer' });
  await pay(db, march!.number, 5000, { method: 'card', reference: 'in_1Q2' });
  await seedUsage(db, { ...of, kind: 'llm_usage', amount: '250', month: '2026-03' });
  await forceInvoices({ activities }, ['acme'], {}, '2026-03');
  await useThisMonth();
  const key = { label: 'acme, finance', scope: 'tenant', tenantId: 'acme' } as const;
  tenantKey = (await createKey(db, key)).plainKey;
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Usage of every day so far, more on weekdays. */
async function useThisMonth(): Promise<void> {
  const { db } = stack.world;
  const now = () => new Date(NOW);
  await using ingestion = Object.assign(createIngestion({ db, now, timeBounds: ANY_TIME }), {
    [Symbol.asyncDispose]: () => ingestion.close(),
  });
  const llm: object[] = [];
  const metered: object[] = [];
  for (let day = 1; day <= 20; day += 1) {
    const isWeekend = [2, 3, 9, 10, 16, 17].includes(day);
    const at = `2026-05-${String(day).padStart(2, '0')}T0`;
    const place = { tenant_id: 'acme', deployment_id: 'acme-production' };
    for (const [index, [model, cents]] of Object.entries(MODELS).entries()) {
      const count = ((day * 7 + index * 5) % 11) + (isWeekend ? 1 : 9);
      for (let n = 0; n < count; n += 1) {
        const deployment_id = n % 5 === 0 ? 'acme-staging' : 'acme-production';
        const event = { ...place, deployment_id, model, occurred_at: `${at}${n % 9}:00:00Z` };
        const gateway_request_id = `${model}-${day}-${n}`;
        llm.push({ ...event, gateway_request_id, charge_cents: String(cents) });
      }
    }
    for (const [resource_kind, qty] of [
      ['droplet_hours', isWeekend ? '24' : '61.5'],
      ['llm_tokens', String(70_000 + ((day * 13) % 7) * 9000)],
      ['spaces_gb_month', '2.25'],
    ] as const) {
      const record = { ...place, resource_kind, qty, occurred_at: `${at}1:00:00Z` };
      metered.push({ ...record, record_id: `${resource_kind}-${day}` });
    }
  }
  for (const [kind, events] of [
    ['llm', llm],
    ['metered', metered],
  ] as const) {
    for (let start = 0; start < events.length; start += 500) {
      await ingestion.ingest(kind, events.slice(start, start + 500));
    }
  }
}

describe('every tenant page can be read and used on a screen', () => {
  test.for(LOOKS)('$size, $scheme', async ({ size, scheme }, { open }) => {
    const page = await open(`${stack.apiUrl}/tenant`, { size, scheme, expected: /403|404|422/ });
    await page.fill('#key', tenantKey);
    await page.click('form.sheet button');
    await page.waitForSelector('.chart');
    expect(page.url()).toBe(`${stack.apiUrl}/tenant`);
    const look = async (name: string, path?: string) => {
      if (path !== undefined) await page.goto(`${stack.apiUrl}/tenant${path}`);
      await expectAccessible(page);
      await expectFits(page);
      await takeScreenshot(page, `tenant-${name}-${size}-${scheme}`);
    };
    await look('month');
    for (const summary of await page.locator('summary').all()) {
      const isOpen = (await summary.locator('xpath=..').getAttribute('open')) !== null;
      if (!isOpen) await summary.click();
    }
    await look('month-open');
    await look('invoices', '/invoices');
    await page.selectOption('#show', 'open');
    await page.click('form.filter button');
    await page.waitForURL(/show=open/);
    expect(await page.locator('text=How to pay').count()).toBe(2);
    await look('invoices-open');
    await page.click('text=How to pay >> nth=0');
    await page.waitForSelector('#pay ~ p:has-text("Reference: acme-00000")');
    await look('pay');
    const { db } = stack.world;
    const march = (await invoicesOf(db, 'acme')).find(({ month }) => month === '2026-03');
    await look('invoice', `/invoices/${march!.invoiceId}`);
    await page.click('a[href*="/lines/"]');
    await look('line');
    const [note] = await notesOf(db, 'acme');
    await look('note', `/adjustment-notes/${note!.invoiceId}`);
    await look('notes', '/adjustment-notes');
    await look('payments', '/payments');
    await look('usage', '/usage/2026-04');
    await look('thresholds-none', '/thresholds');
    await page.fill('#threshold_id', 'not an id');
    await page.fill('#amount', 'much');
    await page.click('form.sheet button');
    await page.waitForSelector('text=There is a problem');
    await look('thresholds-mistake');
    await page.fill('#threshold_id', `warning-${size}-${scheme}`);
    await page.fill('#amount', '1,500');
    await page.click('form.sheet button');
    await page.waitForSelector('tbody .id');
    await look('thresholds');
    await look('problem', '/nowhere');
  });
});

test('an earlier month is chosen and exported', async ({ open }) => {
  const page = await open(`${stack.apiUrl}/tenant/usage`);
  await page.fill('#key', tenantKey);
  await page.click('form.sheet button');
  await page.waitForSelector('.chart');
  await page.selectOption('#month', '2026-04');
  await page.click('form.filter button');
  await page.waitForURL('**/tenant/usage/2026-04');
  const download = page.waitForEvent('download');
  await page.click('text=Download April 2026 as CSV');
  expect((await download).suggestedFilename()).toBe('usage-acme-2026-04.csv');
});

test('without scripts, everything is there but what is being computed', async ({
  browser,
  open,
}) => {
  const page = await open(`${stack.apiUrl}/tenant`);
  await page.fill('#key', tenantKey);
  await page.click('form.sheet button');
  await page.waitForSelector('.chart');
  const context = await browser.newContext({
    javaScriptEnabled: false,
    storageState: await page.context().storageState(),
  });
  const plain = await context.newPage();
  await plain.goto(`${stack.apiUrl}/tenant`);
  await plain.waitForSelector('.chart');
  await plain.click('text=Expected at the end of May 2026');
  await plain.waitForSelector('text=A linear projection');
  await context.close();
});
