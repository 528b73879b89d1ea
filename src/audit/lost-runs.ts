import { monthEndId } from '../contracts/ids.ts';
import { findUnfinishedRequests, listOpenRequests } from '../db/month-end/month-end-requests.ts';
import type { Queryable } from '../db/pool.ts';
import type { Month } from '../domain/period.ts';
import type { MonthRun } from '../temporal/month-runs.ts';

/** Lost requests that are named. */
const SHOWN_IDS = 5;

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

/**
 * The same for one month; null if the database and Temporal agree.
 * @param readRun asks Temporal about the month; null if its workflow doesn't answer
 */
export async function findLostRun(
  db: Queryable,
  readRun: () => Promise<MonthRun | null>,
): Promise<LostRun | 'not answering' | null> {
  const answers: MonthRun[] = [];
  const [lost = null] = await findLostRuns(db, async () => {
    const run = await readRun();
    if (run !== null) answers.push(run);
    return answers;
  });
  return answers.length === 0 ? 'not answering' : lost;
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

/** Tells an operator what is lost, with the first few ids, and the command that has it served; empty if nothing is. */
export function describeLostRun(lost: LostRun | 'not answering' | null): readonly string[] {
  if (lost === null || lost === 'not answering') return [];
  const ids = [...lost.missing, ...lost.unserved];
  const more = ids.length - SHOWN_IDS;
  const shown = ids.slice(0, SHOWN_IDS).join(', ') + (more > 0 ? `, +${more}` : '');
  const remedy = `Run \`${remedyForLostRun(lost.month)}\`; first read docs/operations/restore.md.`;
  return [`${explainLostRun(lost).join('; ')} (${shown}). ${remedy}`];
}

/** Returns the command, without `npm run cli --`, that has the lost requests served. */
export function remedyForLostRun(month: string | null): string {
  return `month-end start ${month} --after-restore`;
}
