import { readLineUsage, type EventsSummary, type LineUsage } from '../../db/usage/provenance.ts';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { createFairQueue } from '../../lib/fair-queue.ts';
import { ownerOf } from '../http/rate-limits.ts';

/** A few hundred bytes each. */
const MAX_KEPT = 10_000;
/** Lines of one owner whose summaries wait. */
const MAX_WAITING = 16;

/** By line; those under way too, so that many pages at once compute one summary. */
const kept = new Map<string, Promise<EventsSummary>>();
const queue = createFairQueue({
  maxConcurrent: 1,
  maxConcurrentPerOwner: 1,
  maxWaitingPerOwner: MAX_WAITING,
});

/**
 * What is behind a line, for its pages: this process computes the summary of a line's events once, so that
 * a page costs what it shows. One summary at a time, by turns among owners. The database doesn't keep
 * them: the digest shows that the events are unchanged only if it is computed from them.
 * @returns null where there is no such line, or no usage can be behind it
 * @throws OverloadedError where too many lines of this caller wait
 */
export function readLineSummary(
  db: Queryable,
  invoiceId: string,
  lineNo: number,
  caller: ApiKey,
): Promise<LineUsage | null> {
  return readLineUsage(db, invoiceId, lineNo, (key, compute) => {
    const id = JSON.stringify(key);
    const known = kept.get(id);
    if (known !== undefined) return known;
    if (kept.size >= MAX_KEPT) kept.clear();
    const summary = queue.run(ownerOf(caller), compute);
    kept.set(id, summary);
    summary.catch(() => kept.delete(id));
    return summary;
  });
}
