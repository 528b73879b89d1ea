import { afterAll, beforeAll, describe, expect } from 'vitest';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { applySchedule } from '../../src/temporal/schedule.ts';
import { invoicesOf } from '../_util/books.ts';
import { MONTH, seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, progressOf } from '../_util/world.ts';
import { takeScreenshot } from './_screenshot.ts';
import { startBrowserStack, type BrowserStack } from './_stack.ts';
import {
  fillInSignal,
  filteredBy,
  listCutOff,
  untilShown,
  openUserMetadata,
  submitSignal,
} from './_temporal-ui.ts';
import { test } from './_test.ts';

let stack: BrowserStack;

beforeAll(async () => {
  stack = await startBrowserStack();
  const { db, client } = stack.world;
  await seedTenant(db, 'acme');
  await seedTenant(db, 'globex');
  await seedTenant(db, 'yank', [{ deploymentId: 'yank-a', planVersionId: 'yankee-v1' }]);
  await applySchedule(client, 'UTC');
  await requestMonthEnd(client, { month: MONTH, requestId: 'first', actor: 'test' });
  await closed(stack.world, MONTH);
});
afterAll(() => stack[Symbol.asyncDispose]());

const monthUrl = () => `${stack.workflowsUrl}/month-end-${MONTH}`;

describe('in the Temporal Web UI, an operator', () => {
  test('forces a re-run by a signal, and the new revision is there', async ({ open }) => {
    const { db } = stack.world;
    await seedUsage(db, {
      tenantId: 'acme',
      deploymentId: 'acme-a',
      kind: 'spaces_gb_month',
      amount: '150',
    });
    const page = await open(monthUrl());
    const dialog = await fillInSignal(
      page,
      'forceReRun',
      '{ "tenantIds": ["acme"], "reason": "metering came late" }',
    );
    await submitSignal(dialog);

    const invoices = await until(
      () => invoicesOf(db, 'acme'),
      (found) => found.some(({ revision }) => revision === 2),
    );
    expect(
      invoices.map(({ revision, status, totalCents }) => ({ revision, status, totalCents })),
    ).toEqual([
      { revision: 1, status: 'superseded', totalCents: 5500 },
      { revision: 2, status: 'issued', totalCents: 5610 },
    ]);
    expect(await invoicesOf(db, 'globex')).toHaveLength(1);
  });

  test('reads why a signal was refused', async ({ open }) => {
    const page = await open(monthUrl());
    await submitSignal(await fillInSignal(page, 'forceReRun', '{ "tenantIds": ["acme"] }'));
    await until(
      () => progressOf(stack.world, MONTH),
      ({ refusals }) => refusals.length > 0,
    );
    await openUserMetadata(page);
    await page.keyboard.press('r');
    await untilShown(page, /Refused signals/);
    await untilShown(page, /reason/);
    await takeScreenshot(page, 'temporal-refused');
  });

  test('reads how the month stands, and how to force a re-run', async ({ open }) => {
    const page = await open(monthUrl());
    await openUserMetadata(page);
    await untilShown(page, /closed, open for corrections until/);
    await untilShown(page, /1 parked\./);
    await untilShown(page, /"tenantIds": \["acme"\]/);
    expect(await listCutOff(page)).toEqual([]);
    await takeScreenshot(page, 'temporal-month');
  });

  test('finds who is parked in the list, and there why, and what to do', async ({ open }) => {
    const query = `BillingPeriod="${MONTH}" AND FailureType="mixed_currencies"`;
    const page = await open(filteredBy(stack.workflowsUrl, query));
    const rows = page.getByRole('link', { name: /^tenant-invoice-/ });
    await rows.first().waitFor();
    // Each request tries who is parked again: a run each.
    expect(new Set(await rows.allInnerTexts())).toEqual(new Set([`tenant-invoice-${MONTH}-yank`]));
    await takeScreenshot(page, 'temporal-list');

    await rows.first().click();
    await openUserMetadata(page);
    await untilShown(page, /Invoice of yank for 2026-05: parked/);
    await untilShown(page, /an invoice has one currency/);
    await untilShown(page, /What to do: End the subscription .* start one on a plan/);
    expect(await listCutOff(page)).toEqual([]);
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
