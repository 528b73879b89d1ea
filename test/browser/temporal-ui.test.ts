import { afterAll, beforeAll, describe, expect } from 'vitest';
import { requestMonthEnd } from '../../src/temporal/month-end.ts';
import { applySchedule } from '../../src/temporal/schedule.ts';
import { MONTH, seedTenant } from '../_util/seed.ts';
import { closed } from '../_util/world.ts';
import { takeScreenshot } from './_screenshot.ts';
import { startBrowserStack, type BrowserStack } from './_stack.ts';
import { filteredBy, openUserMetadata, untilShown } from './_temporal-ui.ts';
import { test } from './_test.ts';

let stack: BrowserStack;

beforeAll(async () => {
  stack = await startBrowserStack();
  const { db, client } = stack.world;
  await seedTenant(db, 'acme');
  await seedTenant(db, 'globex');
  await seedTenant(db, 'yank', [{ deploymentId: 'yank-a', planVersionId: 'yankee-v1' }]);
  await applySchedule(client);
  await requestMonthEnd(client, { month: MONTH, requestId: 'first', actor: 'test' });
  await closed(stack.world, MONTH);
});
afterAll(() => stack[Symbol.asyncDispose]());

const monthUrl = () => `${stack.workflowsUrl}/month-end-${MONTH}`;

describe('in the Temporal Web UI, an operator', () => {
  test('reads how the month stands, and how to force a re-run', async ({ open }) => {
    const page = await open(monthUrl());
    await openUserMetadata(page);
    await untilShown(page, /closed, open for corrections until/);
    await untilShown(page, /1 parked\./);
    await untilShown(page, /"tenantIds": \["acme"\]/);
    await takeScreenshot(page, 'temporal-month');
  });

  test('finds who is parked in the list, and there why, and what to do', async ({ open }) => {
    const query = `BillingPeriod="${MONTH}" AND FailureType="mixed_currencies"`;
    const page = await open(filteredBy(stack.workflowsUrl, query));
    const rows = page.getByRole('link', { name: /^tenant-invoice-/ });
    await rows.first().waitFor();
    expect(await rows.allInnerTexts()).toEqual([`tenant-invoice-${MONTH}-yank`]);
    await takeScreenshot(page, 'temporal-list');

    await rows.first().click();
    await openUserMetadata(page);
    await untilShown(page, /Invoice of yank for 2026-05: parked/);
    await untilShown(page, /an invoice has one currency/);
    await untilShown(page, /What to do: end the subscription .* start one on a plan/);
    await takeScreenshot(page, 'temporal-parked');
  });

  test('sees what each step was for', async ({ open }) => {
    const page = await open(monthUrl());
    await page.getByText('Park yank: mixed_currencies').first().waitFor();
    await page
      .getByText(/^Open for corrections until \d{4}-\d\d-\d\d$/)
      .first()
      .waitFor();
    await takeScreenshot(page, 'temporal-history');
  });
});
