import type { DailyNotices } from '../contracts/activity-types.ts';
import { remindOfReviews } from '../db/month-end/review-reminders.ts';
import { noticeOverdueInvoices } from '../db/webhooks/overdue-notices.ts';
import type { ActivityDeps } from './deps.ts';

/** Writes webhook events caused by a date, not by a transaction. Each is written once. */
export function sendDailyNotices({ db, now, reviewReminderDays: days }: ActivityDeps) {
  return async (): Promise<DailyNotices> => {
    const late = days === undefined ? [] : await remindOfReviews(db, { now: now(), days });
    return { overdueInvoices: await noticeOverdueInvoices(db), lateReviews: late.length };
  };
}
