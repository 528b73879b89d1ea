import { setCurrentDetails } from '@temporalio/workflow';
import type { DailyNotices } from '../contracts/activity-types.ts';
import { notices } from './activity-proxies.ts';

/**
 * The workflow that a Schedule starts every day. It writes the webhook events that are due because of the date, such as
 * `invoice.overdue`. PostgreSQL knows which were written, so a day that was missed or repeated does no harm.
 * @returns how many of each were written
 */
export async function dailyNotices(): Promise<DailyNotices> {
  const written = await notices.sendDailyNotices();
  setCurrentDetails(`Overdue invoices reported: ${written.overdueInvoices}.`);
  return written;
}
