import type { Database } from '../db/pool.ts';
import { expireMonth, listMonthsBefore, type ExpiredUsage } from '../db/usage/usage-archive.ts';
import type { Month } from '../domain/period.ts';

/** A month whose events have expired now. */
export interface ExpiredMonth {
  readonly month: Month;
  readonly usage: readonly ExpiredUsage[];
}

/**
 * Drops the archived events of the months before this one, for good, the oldest month first, each in a
 * transaction; what they were is on record before. Months that have expired before, and those of which
 * nothing was ever archived, are passed over.
 * @param monthsKept full months whose events stay, whatever is asked for
 * @param onProgress told after each month
 * @throws IntegrityConstraintViolationError where a month is too young, or not archived as a whole
 */
export async function expireUsage(
  db: Database,
  before: Month,
  monthsKept: number,
  onProgress: (done: number, months: number) => void = () => undefined,
): Promise<readonly ExpiredMonth[]> {
  const months = (await listMonthsBefore(db, before)).filter(
    ({ isExpired, archivedEvents }) => !isExpired && archivedEvents > 0,
  );
  const expired: ExpiredMonth[] = [];
  for (const { month } of months) {
    expired.push({ month, usage: await expireMonth(db, month, monthsKept) });
    onProgress(expired.length, months.length);
  }
  return expired;
}
