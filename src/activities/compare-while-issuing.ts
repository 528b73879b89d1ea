import { isDeepStrictEqual } from 'node:util';
import type { Database, Transaction } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import {
  findDifferentDays,
  readDifferentDays,
  type ReadDays,
  type TenantToCompare,
  type UnequalMonth,
} from '../db/usage/compare-control-totals.ts';
import type { DifferentDay } from '../domain/gateway-totals.ts';

/** Returns the days whose control totals differ from the ledger without being accepted, by tenant. */
export type FindDifferences = (
  tenants: readonly TenantToCompare[],
) => Promise<ReadonlyMap<string, readonly DifferentDay[]>>;

/** In the last attempt, events are read within the transaction: usage or totals keep arriving. */
const MAX_ATTEMPTS = 3;

/**
 * Runs a transaction that compares control totals (docs/spec.md#control-totals). Where the sums of a month differ, all of
 * its events are read. That can take seconds, so the transaction is rolled back first and doesn't keep its locks. It then
 * runs again, and uses the result for months that have the same sums as when their events were read.
 * @param work has no effect outside of its transaction, because it may run several times
 */
export async function whileComparing<T>(
  db: Database,
  work: (tx: Transaction, findDifferences: FindDifferences) => Promise<T>,
): Promise<T> {
  let read: readonly ReadMonth[] = [];
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction((tx) =>
        work(tx, async (tenants) => {
          if (tenants.length === 0) return new Map();
          const calendar = await loadCalendar(db, tx);
          const readNow = attempt < MAX_ATTEMPTS ? rollBack : readDifferentDays(tx, calendar);
          return findDifferentDays(tx, calendar, tenants, fromThose(read, readNow));
        }),
      );
    } catch (error) {
      if (!(error instanceof UnreadMonths)) throw error;
      const { unequal } = error;
      const days = await readDifferentDays(db, await loadCalendar(db))(unequal);
      read = [...read, ...unequal.map((sums, index) => ({ sums, days: days[index] ?? [] }))];
    }
  }
}

interface ReadMonth {
  readonly sums: UnequalMonth;
  readonly days: readonly DifferentDay[];
}

/** Rolls the transaction back. */
class UnreadMonths extends Error {
  override readonly name = 'UnreadMonths';
  readonly unequal: readonly UnequalMonth[];

  constructor(unequal: readonly UnequalMonth[]) {
    super('months have to be compared by day');
    this.unequal = unequal;
  }
}

const rollBack: ReadDays = (unequal) => Promise.reject(new UnreadMonths(unequal));

/**
 * Returns a function that knows these months, and reads others. Events are never removed and totals only revised, so
 * equal sums have the same events and totals.
 */
function fromThose(read: readonly ReadMonth[], readOthers: ReadDays): ReadDays {
  const daysOf = (sums: UnequalMonth) =>
    read.find((one) => isDeepStrictEqual(one.sums, sums))?.days ?? null;
  return async (unequal) => {
    const others = unequal.filter((sums) => daysOf(sums) === null);
    const days = others.length === 0 ? [] : await readOthers(others);
    return unequal.map((sums) => daysOf(sums) ?? days[others.indexOf(sums)] ?? []);
  };
}
