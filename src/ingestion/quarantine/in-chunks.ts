/** Finds the next events, in order, by their quarantine ids. @param after the last event found before; 0: none */
export type Find = (after: number, limit: number) => Promise<readonly number[]>;

export interface ChunkOptions {
  /** Events that are decided in one transaction. */
  readonly chunkEvents: number;
  /** After so many events it ends. */
  readonly maxEvents: number;
}

/**
 * Decides held events chunk by chunk, until all that `find` finds are done or the limit is reached.
 * @param decide decides a chunk of one or more events
 * @returns whether all are done; false if the limit was reached
 */
export async function inChunks(
  find: Find,
  { chunkEvents, maxEvents }: ChunkOptions,
  decide: (quarantineIds: readonly number[]) => Promise<void>,
): Promise<boolean> {
  let left = maxEvents;
  let after = 0;
  while (left > 0) {
    const limit = Math.min(chunkEvents, left);
    const found = await find(after, limit);
    if (found.length > 0) await decide(found);
    if (found.length < limit) return true;
    after = found.at(-1) ?? after;
    left -= found.length;
  }
  return false;
}
