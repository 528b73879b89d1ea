import { sumUsage, type UsageTotal } from '../../db/month-end/usage-of-month.ts';
import type { Database } from '../../db/pool.ts';
import type { Month, Period } from '../../domain/period.ts';
import type { ApiDeps } from '../http/api-deps.ts';

/** The usage of a running month, of all tenants together. Adding it up reads every bucket of the month, so it is kept. */

/** How long it is shown although usage has arrived since. */
const FRESH_MS = 60_000;

export interface UsageOfAll {
  readonly asOf: Date;
  readonly usage: readonly UsageTotal[];
}

interface Kept {
  readonly month: Month;
  readonly asOf: Date;
  readonly usage: Promise<readonly UsageTotal[]>;
}

const keptBy = new WeakMap<Database, Kept>();

/** Returns the usage as of at most a minute ago; concurrent visits share one computation. */
export async function readUsageOfAll(
  { db, now }: Pick<ApiDeps, 'db' | 'now'>,
  period: Period,
): Promise<UsageOfAll> {
  const known = keptBy.get(db);
  const isFresh =
    known?.month === period.month && now().getTime() - known.asOf.getTime() < FRESH_MS;
  const kept = isFresh ? known : start(db, period, now());
  return { asOf: kept.asOf, usage: await kept.usage };
}

function start(db: Database, period: Period, asOf: Date): Kept {
  const kept: Kept = { month: period.month, asOf, usage: sumUsage(db, period) };
  keptBy.set(db, kept);
  kept.usage.catch(() => {
    if (keptBy.get(db) === kept) keptBy.delete(db);
  });
  return kept;
}
