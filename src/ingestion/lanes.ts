import { crc32 } from 'node:zlib';
import {
  OverloadedError,
  createGroupCommit,
  type GroupCommit,
  type GroupCommitOptions,
} from '../lib/group-commit.ts';
import type { Entry } from './usage-kind.ts';

/** The interface of a group commit, implemented by several of them. */
export type Lanes<E, Result> = Omit<GroupCommit<E, Result>, 'hasRoomFor'>;

/**
 * Creates `maxConcurrent` parallel group commits, each for separate deployments: their transactions never need
 * the same bucket, so none waits for another. (Two groups of the same deployments would take turns, at twice
 * the cost for PostgreSQL; ADR 15 and 21.)
 *
 * The lane of an entry only matters for speed, except that entries with the same id stay together, because the
 * first one decides. A submission is answered when all lanes have stored their parts. If one fails, the others
 * may have stored theirs: sending everything again then reports duplicates.
 */
export function createLanes<E extends Entry, Result>({
  maxConcurrent,
  maxQueuedItems,
  ...options
}: GroupCommitOptions<E, Result>): Lanes<E, Result> {
  const lanes = Array.from({ length: maxConcurrent }, () =>
    createGroupCommit<E, Result>({
      ...options,
      maxConcurrent: 1,
      maxQueuedItems: Math.ceil(maxQueuedItems / maxConcurrent),
    }),
  );
  const depth = () => lanes.reduce((sum, lane) => sum + lane.depth, 0);

  return {
    async submit(entries) {
      const parts = split(entries, lanes);
      // All or nothing: the error tells the sender that nothing was stored.
      if (!parts.every(({ lane, items }) => lane.hasRoomFor(items.length))) {
        throw new OverloadedError(`${depth()} items are waiting already`);
      }
      return gather(entries.length, parts, (lane, items) => lane.submit(items));
    },
    submitWhenRoom(entries) {
      const parts = split(entries, lanes);
      return gather(entries.length, parts, (lane, items) => lane.submitWhenRoom(items));
    },
    get depth() {
      return depth();
    },
    async close() {
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}

/** The part of a submission that goes into one lane, with each entry's index in the submission. */
interface Part<E, Result> {
  readonly lane: GroupCommit<E, Result>;
  readonly items: E[];
  readonly places: number[];
}

function split<E extends Entry, Result>(
  entries: readonly E[],
  lanes: readonly GroupCommit<E, Result>[],
): readonly Part<E, Result>[] {
  const parts = lanes.map((lane): Part<E, Result> => ({ lane, items: [], places: [] }));
  const partOfId = new Map<string, Part<E, Result>>();
  for (const [place, entry] of entries.entries()) {
    const part = partOfId.get(entry.id) ?? parts[checksumOf(entry.deploymentId) % parts.length];
    if (!part) throw new RangeError('there has to be a lane');
    partOfId.set(entry.id, part);
    part.items.push(entry);
    part.places.push(place);
  }
  return parts.filter(({ items }) => items.length > 0);
}

/** Remembered, because a batch names few deployments many times, and a checksum costs more than the rest of the split. */
const checksums = new Map<string, number>();
const MAX_REMEMBERED = 100_000;

function checksumOf(deploymentId: string): number {
  const known = checksums.get(deploymentId);
  if (known !== undefined) return known;
  if (checksums.size >= MAX_REMEMBERED) checksums.clear();
  const checksum = crc32(deploymentId);
  checksums.set(deploymentId, checksum);
  return checksum;
}

/**
 * Submits all parts.
 * @returns their results, in the order of the submission
 */
async function gather<E, Result>(
  count: number,
  parts: readonly Part<E, Result>[],
  submit: (lane: GroupCommit<E, Result>, items: readonly E[]) => Promise<readonly Result[]>,
): Promise<readonly Result[]> {
  const results = new Array<Result>(count);
  await Promise.all(
    parts.map(async ({ lane, items, places }) => {
      const stored = await submit(lane, items);
      stored.forEach((result, at) => {
        results[places[at] ?? 0] = result;
      });
    }),
  );
  return results;
}
