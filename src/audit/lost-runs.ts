import { monthEndId } from '../contracts/ids.ts';
import { findUnfinishedRequests, listOpenRequests } from '../db/month-end/month-end-requests.ts';
import type { Queryable } from '../db/pool.ts';
import type { Month } from '../domain/period.ts';
import type { MonthRun } from '../temporal/month-runs.ts';

/** Requests of a month on which the database and Temporal disagree, because one of them was restored or lost. */
export interface LostRun {
  readonly month: Month;
  /** Requests that the month's workflow has served and the database doesn't have: it was restored. */
  readonly missing: readonly string[];
  /** Requests that wait in the database while no run serves them. */
  readonly unserved: readonly string[];
}

/**
 * Compares the requests in the database with what Temporal knows of them. Safe while months are being closed: a request
 * counts as unserved only if it waits before and after its workflow said that it serves none.
 * @param readRuns asks Temporal about at least these months
 */
export async function findLostRuns(
  db: Queryable,
  readRuns: (months: readonly Month[]) => Promise<readonly MonthRun[]>,
): Promise<readonly LostRun[]> {
  const waiting = Map.groupBy(await listOpenRequests(db), ({ month }) => month);
  const runs = await readRuns([...waiting.keys()]);
  const lost: LostRun[] = [];
  for (const { month, state, served } of runs) {
    const waited =
      state === 'closing' ? [] : (waiting.get(month) ?? []).map(({ requestId }) => requestId);
    const unfinished = await findUnfinishedRequests(db, month, [...served, ...waited]);
    const missing = unfinished.filter(({ isStored }) => !isStored);
    const unserved = unfinished.filter(
      ({ requestId, isStored }) => isStored && waited.includes(requestId),
    );
    if (missing.length + unserved.length === 0) continue;
    const ids = (requests: typeof unfinished) => requests.map(({ requestId }) => requestId);
    lost.push({ month, missing: ids(missing), unserved: ids(unserved) });
  }
  return lost;
}

/** Returns a sentence for each way in which the run was lost. Without ids, because `/readyz` is public. */
export function explainLostRun({ month, missing, unserved }: LostRun): readonly string[] {
  return [
    ...(missing.length === 0
      ? []
      : [
          `${monthEndId(month)} has served requests that the database doesn't have (${missing.length}): ` +
            'the database is older than Temporal',
        ]),
    ...(unserved.length === 0
      ? []
      : [`requests for ${month} wait (${unserved.length}), and no run is serving them`]),
  ];
}

/** Returns the command, without `npm run cli --`, that has the lost requests served. */
export function remedyForLostRun(month: string | null): string {
  return `month-end start ${month} --after-restore`;
}
