import type { DailyNotices } from '../contracts/activity-types.ts';
import { noticeOverdueInvoices } from '../db/webhooks/overdue-notices.ts';
import type { ActivityDeps } from './deps.ts';

/** Writes the webhook events that a date brings about rather than a transaction. Each is written once. */
export function sendDailyNotices({ db }: ActivityDeps) {
  return async (): Promise<DailyNotices> => ({
    overdueInvoices: await noticeOverdueInvoices(db),
  });
}
