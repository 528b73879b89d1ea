import type { ApiKey } from '../../db/access/api-keys.ts';
import { createFairQueue } from '../../lib/fair-queue.ts';
import { ownerOf } from './rate-limits.ts';

/** Each of a few hundred bytes, or of a few hundred rows. */
const MAX_KEPT = 10_000;
/** Results of one owner that may wait. */
const MAX_WAITING = 16;

/** Results by key. Includes those being computed, so that concurrent requests share one computation. */
const kept = new Map<string, Promise<unknown>>();
/** The turns of reads that go through many events, one at a time in this process, owners taking turns. */
export const eventReads = createFairQueue({
  maxConcurrent: 1,
  maxConcurrentPerOwner: 1,
  maxWaitingPerOwner: MAX_WAITING,
});

/**
 * Returns a result that reads many events and never changes. The process computes it once and keeps it; it computes one
 * at a time, owners taking turns.
 * @param key says completely what is computed; callers that may not see the result must have been refused before
 * @throws OverloadedError if too many results of this caller are waiting
 */
export function computeOnce<T>(caller: ApiKey, key: object, compute: () => Promise<T>): Promise<T> {
  const id = JSON.stringify(key);
  const known = kept.get(id);
  // Safe: the key says what is computed.
  if (known !== undefined) return known as Promise<T>;
  if (kept.size >= MAX_KEPT) kept.clear();
  const result = eventReads.run(ownerOf(caller), compute);
  kept.set(id, result);
  result.catch(() => kept.delete(id));
  return result;
}
