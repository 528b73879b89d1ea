import { whyNotClosable, whyTooEarly } from '../db/month-end/closable-months.ts';
import type { Queryable } from '../db/pool.ts';
import type { Month } from '../domain/period.ts';
import { CliError } from './errors.ts';

/**
 * The workflow refuses such a month too; here it is said at once, and nothing is signalled.
 * @throws CliError where the month isn't over, or is before the first subscription
 */
export async function requireClosable(db: Queryable, month: Month): Promise<void> {
  refuse(await whyNotClosable(db, month, new Date()));
}

/**
 * For commands that only read: an empty answer about a mistyped year would look like good news.
 * @throws CliError where the month is before the first subscription
 */
export async function requireBillable(db: Queryable, month: Month): Promise<void> {
  refuse(await whyTooEarly(db, month, new Date()));
}

function refuse(reason: string | null): void {
  if (reason !== null) throw new CliError(reason);
}
