import type { MonthFacts } from '../db/month-end/watchdog-facts.ts';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import type { Finding } from './watchdog-finding.ts';

/** When a month counts as late, and a run as stalled. */
export interface WatchdogLimits {
  /** Hours after its last instant within which a month must be closed. */
  readonly closeWithinHours: number;
  /** Minutes without progress after which a run counts as stalled. */
  readonly stalledAfterMinutes: number;
  /** Days that invoices may wait for their release. */
  readonly reviewReminderDays: number;
}

/** Returns findings about the months. Pure. */
export function judgeMonths(
  months: readonly MonthFacts[],
  now: Date,
  limits: WatchdogLimits,
  calendar: BillingCalendar,
): readonly Finding[] {
  return months.flatMap((month) => [
    ...notClosed(month, now, limits, calendar),
    ...toInvoice(month),
    ...stalled(month, now, limits),
    ...outOfBalance(month),
    ...reviewWaiting(month, now, limits),
  ]);
}

function notClosed(
  facts: MonthFacts,
  now: Date,
  { closeWithinHours }: WatchdogLimits,
  { periodOf }: BillingCalendar,
): Finding[] {
  const { month, dueTenants, withoutOutcome, openRequests, finishedRequests } = facts;
  const deadlineMs = Date.parse(periodOf(month).endsAt) + closeWithinHours * 3_600_000;
  if (now.getTime() < deadlineMs || dueTenants === 0) return [];
  if (finishedRequests > 0) return [];
  const how =
    openRequests === 0
      ? 'no run has been requested'
      : `due tenants without an outcome: ${withoutOutcome} of ${dueTenants}`;
  const detail = `${month} was to be closed by ${instant(deadlineMs)}: ${how}`;
  return [{ code: 'month_not_closed', month, detail }];
}

/** Reports tenants that became due after the month was closed: work to do, not an error in the books. */
function toInvoice(facts: MonthFacts): Finding[] {
  const { month, dueTenants, withoutOutcome, openRequests, finishedRequests } = facts;
  if (finishedRequests === 0 || openRequests > 0 || withoutOutcome === 0) return [];
  const detail = `${month} is closed, and due tenants have no invoice yet: ${withoutOutcome} of ${dueTenants}`;
  return [{ code: 'tenants_to_invoice', month, detail }];
}

function stalled(facts: MonthFacts, now: Date, { stalledAfterMinutes }: WatchdogLimits): Finding[] {
  const { month, openRequests, waitingSince, lastMovedAt } = facts;
  if (openRequests === 0) return [];
  // Progress from before the oldest open request was made doesn't count for it.
  const movedMs = Math.max(
    ...[waitingSince, lastMovedAt].map((at) => Date.parse(at ?? '')).filter(Number.isFinite),
  );
  if (now.getTime() - movedMs < stalledAfterMinutes * 60_000) return [];
  const detail = `requests for ${month} wait (${openRequests}), and nothing has moved since ${instant(movedMs)}`;
  return [{ code: 'run_stalled', month, detail }];
}

function outOfBalance({ month, isOutOfBalance }: MonthFacts): Finding[] {
  if (!isOutOfBalance) return [];
  const detail = `the last run of ${month} ended with books that do not add up`;
  return [{ code: 'books_do_not_add_up', month, detail }];
}

function reviewWaiting(
  { month, unreleased, unreleasedSince }: MonthFacts,
  now: Date,
  { reviewReminderDays }: WatchdogLimits,
): Finding[] {
  if (unreleased === 0 || unreleasedSince === null) return [];
  const sinceMs = Date.parse(unreleasedSince);
  if (now.getTime() - sinceMs < reviewReminderDays * 86_400_000) return [];
  const detail = `invoices of ${month} wait for release (${unreleased}), the first since ${instant(sinceMs)}`;
  return [{ code: 'review_waiting', month, detail }];
}

/** Formats an instant for messages, in UTC and to the second. */
function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, '2026-05-01T00:00:00'.length)}Z`;
}
