import type { Locator, Page } from 'playwright-core';
import { tenantInvoiceId } from '../../src/contracts/ids.ts';
import {
  fillInSignal,
  filteredBy,
  openUserMetadata,
  untilFramesFit,
  untilShown,
} from '../../test/browser/_temporal-ui.ts';
import { areaOf, between, downTo, wholeWindow, type Area, type Picture } from './picture.ts';
import { MONTH, MONTH_BEFORE, PARKED_TENANT, TENANT, type Shop } from './shop.ts';

/** The steps of the operator's guide in the Temporal Web UI. */
export const TEMPORAL_UI: readonly Picture[] = [
  {
    name: 'temporal-month-closing',
    shows: "a month's User Metadata while it is being closed",
    when: 'closing',
    size: { width: 1280, height: 800 },
    async show(page, shop) {
      await page.goto(workflowUrl(shop, `month-end-${MONTH}`));
      await openUserMetadata(page);
      await untilShown(page, /closing, \d+ of \d+ tenants done/);
      await untilFramesFit(page);
      return wholeWindow(page);
    },
  },
  {
    name: 'temporal-history',
    shows: "a month's history, with what each step was for",
    size: { width: 1280, height: 1060 },
    async show(page, shop) {
      await page.goto(workflowUrl(shop, `month-end-${MONTH}`));
      await page
        .getByText(/^Open for corrections until/)
        .first()
        .waitFor();
      const heading = page.getByRole('heading', { name: 'Event History' });
      return between(page, heading, page.getByText('Compact', { exact: true }));
    },
  },
  {
    name: 'temporal-tenant-steps',
    shows: "a tenant's User Metadata: its steps, and what they did",
    size: { width: 1280, height: 1000 },
    async show(page, shop) {
      await page.goto(workflowUrl(shop, tenantInvoiceId(MONTH, TENANT)));
      await openUserMetadata(page);
      await untilShown(page, /subscriptions quoted/);
      await untilFramesFit(page);
      return downTo(page, page.getByText('Persist the invoices in one transaction'));
    },
  },
  {
    name: 'temporal-signal',
    shows: 'the dialog that sends a signal, filled in',
    size: { width: 1180, height: 900 },
    async show(page, shop) {
      await page.goto(workflowUrl(shop, `month-end-${MONTH}`));
      const data = '{ "tenantIds": ["harbour-studio"], "reason": "metering came late" }';
      return dialogArea(await fillInSignal(page, 'forceReRun', data));
    },
  },
  {
    name: 'temporal-parked-list',
    shows: 'the list of workflows, filtered by parked tenants of a month',
    size: { width: 1180, height: 900 },
    async show(page, shop) {
      const query = `BillingPeriod="${MONTH}" AND InvoiceOutcome="parked"`;
      await page.goto(filteredBy(`${shop.namespaceUrl}/workflows`, query));
      await page.getByRole('button', { name: 'Collapse saved views' }).click();
      const list = page.getByRole('navigation', { name: 'Workflows', exact: true });
      const [, wheel] = await list.getByRole('button').all();
      await wheel?.click();
      await page.getByRole('button', { name: 'Add FailureType column' }).click();
      for (const column of ['Run ID', 'Type', 'End']) {
        await page.getByRole('button', { name: `Remove ${column} column` }).click();
      }
      await page.getByRole('button', { name: 'Close Workflows Table configuration' }).click();
      await page.getByRole('cell', { name: 'mixed_currencies' }).waitFor();
      return downTo(page, list);
    },
  },
  {
    name: 'temporal-parked-tenant',
    shows: "a parked tenant's current details: what is wrong, and what to do",
    size: { width: 1280, height: 740 },
    async show(page, shop) {
      await page.goto(workflowUrl(shop, tenantInvoiceId(MONTH, PARKED_TENANT)));
      await openUserMetadata(page);
      await untilShown(page, /What to do/);
      await untilFramesFit(page);
      return wholeWindow(page);
    },
  },
  {
    name: 'temporal-schedule',
    shows: 'the Schedule, with the menu of its actions open',
    size: { width: 1180, height: 730 },
    async show(page, shop) {
      await openScheduleActions(page, shop);
      return wholeWindow(page);
    },
  },
  {
    name: 'temporal-trigger',
    shows: 'the dialog that triggers the Schedule',
    size: { width: 1180, height: 900 },
    async show(page, shop) {
      await openScheduleActions(page, shop);
      await page.getByRole('menuitem', { name: 'Trigger' }).click();
      return dialogArea(page.getByRole('dialog', { name: 'Trigger Immediately' }));
    },
  },
  {
    name: 'temporal-pause',
    shows: 'the dialog that pauses the Schedule',
    size: { width: 1180, height: 900 },
    async show(page, shop) {
      await page.goto(scheduleUrl(shop));
      await page.getByRole('button', { name: 'Pause' }).click();
      const dialog = page.getByRole('dialog', { name: 'Pause Schedule?' });
      await dialog.getByRole('textbox').fill('prices are being checked');
      return dialogArea(dialog);
    },
  },
  {
    name: 'temporal-backfill',
    shows: 'the dialog for a backfill, filled in for one month',
    size: { width: 1180, height: 900 },
    async show(page, shop) {
      await openScheduleActions(page, shop);
      await page.getByRole('menuitem', { name: 'Backfill' }).click();
      const dialog = page.getByRole('dialog', { name: 'Schedule Backfill' });
      await fillInTime(dialog, 0, { month: 'October 2026', day: '31', hour: '23' });
      await fillInTime(dialog, 1, { month: 'November 2026', day: '2', hour: '0' });
      return dialogArea(dialog);
    },
  },
  {
    name: 'temporal-start',
    shows: "the form that starts a month's workflow again",
    size: { width: 1180, height: 980 },
    async show(page, shop) {
      await page.goto(workflowUrl(shop, `month-end-${MONTH_BEFORE}`));
      await page.getByRole('button', { name: 'More Actions' }).click();
      await page.getByRole('menuitem', { name: 'Start Workflow Like This One' }).click();
      await page.getByText('Task Queue is Active').waitFor();
      await page.getByText(`"${MONTH_BEFORE}"`).waitFor();
      return downTo(page, page.getByText('json/protobuf'));
    },
  },
  {
    name: 'temporal-tenant-pending',
    shows: "a tenant's pending step with PostgreSQL stopped: its attempts and the last failure",
    when: 'outage',
    size: { width: 1280, height: 1000 },
    async show(page, shop) {
      await page.goto(workflowUrl(shop, tenantInvoiceId(MONTH, TENANT)));
      await page.getByRole('tab', { name: 'Pending Activities' }).click();
      await page.getByRole('heading', { name: 'quoteSubscriptions' }).waitFor();
      await page.getByText('ECONNREFUSED').first().waitFor();
      // The stack trace below names folders of this machine.
      const { y } = await areaOf(page.getByText('Stack Trace'));
      return { ...wholeWindow(page), height: y };
    },
  },
];

function workflowUrl({ namespaceUrl }: Shop, workflowId: string): string {
  return `${namespaceUrl}/workflows/${workflowId}`;
}

function scheduleUrl({ namespaceUrl }: Shop): string {
  return `${namespaceUrl}/schedules/month-end`;
}

async function openScheduleActions(page: Page, shop: Shop): Promise<void> {
  await page.goto(scheduleUrl(shop));
  await page.getByRole('heading', { name: 'Upcoming Runs' }).waitFor();
  await page.getByRole('button', { name: 'Schedule Actions' }).click();
}

/** Returns a dialog's area once it has its final size: it grows while it opens. */
async function dialogArea(dialog: Locator): Promise<Area> {
  await dialog.hover({ trial: true });
  return areaOf(dialog);
}

/** Chooses a day in the calendar of one of the dialog's two times, and enters a full hour. */
async function fillInTime(
  dialog: Locator,
  index: number,
  { month, day, hour }: { readonly month: string; readonly day: string; readonly hour: string },
): Promise<void> {
  await dialog.getByTestId('datepicker').nth(index).click();
  const isShown = () => dialog.getByText(month).isVisible();
  while (!(await isShown())) await dialog.getByRole('button', { name: 'Previous Month' }).click();
  await dialog.getByRole('button', { name: day, exact: true }).click();
  const parts = { hour, minute: '0', second: '0' };
  for (const [part, value] of Object.entries(parts)) {
    await dialog.getByTestId(part).nth(index).fill(value);
  }
}
