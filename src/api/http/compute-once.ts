import type { ApiKey } from '../../db/access/api-keys.ts';
import { createFairQueue } from '../../lib/fair-queue.ts';
import { ownerOf } from './rate-limits.ts';

/** Results of one owner that may wait. */
const MAX_WAITING = 16;

/** Results that are kept. */
export interface Kept {
  readonly max: number;
  /** By key. Includes those being computed, so that concurrent requests share one computation. */
  readonly results: Map<string, Promise<unknown>>;
}

/** Makes room for results. @param max how many; then all are dropped */
export function keepUpTo(max: number): Kept {
  return { max, results: new Map() };
}

/** Each of a few hundred bytes, or of a few hundred rows. */
const SUMS = keepUpTo(10_000);
/** The turns of reads that go through many events, one at a time in this process, owners taking turns. */
export const eventReads = createFairQueue({
  maxConcurrent: 1,
  maxConcurrentPerOwner: 1,
  maxWaitingPerOwner: MAX_WAITING,
});

/**
 * Returns a result that never changes. The process computes it once and keeps it.
 * @param key says completely what is computed
 */
export function keepOnce<T>(
  { max, results }: Kept,
  key: object,
  compute: () => Promise<T>,
): Promise<T> {
  const id = JSON.stringify(key);
  const known = results.get(id);
  // Safe: the key says what is computed.
  if (known !== undefined) return known as Promise<T>;
  if (results.size >= max) results.clear();
  const result = compute();
  results.set(id, result);
  result.catch(() => results.delete(id));
  return result;
}

/**
 * The same for a result that reads many events: the process computes one at a time, owners taking turns.
 * @param key callers that may not see what it names must have been refused before
 * @param kept where larger results are kept, which must be fewer
 * @throws OverloadedError if too many results of this caller are waiting
 */
export function computeOnce<T>(
  caller: ApiKey,
  key: object,
  compute: () => Promise<T>,
  kept: Kept = SUMS,
): Promise<T> {
  return keepOnce(kept, key, () => eventReads.run(ownerOf(caller), compute));
}
