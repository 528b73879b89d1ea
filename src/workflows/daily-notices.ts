import { setCurrentDetails } from '@temporalio/workflow';
import type { DailyNotices } from '../contracts/activity-types.ts';
import { notices } from './activity-proxies.ts';

/**
 * The workflow that a Schedule starts every day. It writes the webhook events that are due because of the date, such as
 * `invoice.overdue` and `review.waiting`. PostgreSQL knows which were written, so a day that was missed or repeated does no harm.
 * @returns how many of each there were
 */
export async function dailyNotices(): Promise<DailyNotices> {
  const written = await notices.sendDailyNotices();
  setCurrentDetails(
    `Overdue invoices reported: ${written.overdueInvoices}. Months that wait for their review: ${written.lateReviews}.`,
  );
  return written;
}
