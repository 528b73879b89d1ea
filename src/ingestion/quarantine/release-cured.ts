import type { Database } from '../../db/pool.ts';
import { fixCalendar } from '../../db/settings/load-calendar.ts';
import { sql } from '../../db/sql.ts';
import { isDatabaseUnavailable } from '../../db/unavailable.ts';
import { endHeldUsage, findCured, storeHeldUsage } from '../../db/usage/quarantine.ts';
import { RELEASED_BY_SWEEP } from '../../domain/quarantine.ts';
import { DEFAULT_TIME_BOUNDS } from '../time-bounds.ts';
import {
  CHUNK_EVENTS,
  createTally,
  releaseChunk,
  type Release,
  type ReleaseOptions,
  type Releasing,
} from './release-quarantined.ts';

/** Events that are found at a time: finding them reads all that their deployments have held. */
const FOUND_EVENTS = 10_000;

/** No event is later. */
const LAST_MS = Date.UTC(3000, 0);

/** With the rights of the worker. */
const SWEEP: Releasing = {
  assigned: null,
  isFor: ({ reason }) => RELEASED_BY_SWEEP.some((one) => one === reason),
  store: storeHeldUsage,
  end: endHeldUsage,
};

export interface CuredOptions extends Pick<ReleaseOptions, 'now' | 'timeBounds'> {
  /** The last event of the call before; 0 for the first call. */
  readonly after?: number;
  /** When to stop, as a value of `performance.now()`. At least one chunk is tried. */
  readonly until?: number;
  /** Called for events that an error keeps held. They don't stop the others. By default, the first error is thrown. */
  readonly onError?: (quarantineIds: readonly number[], error: unknown) => void;
}

/** The result of such a release. */
export interface CuredRelease extends Omit<Release, 'is_complete'> {
  /** The last event that was tried; null: all were. */
  readonly next: number | null;
}

/**
 * Releases the held events whose tenant and deployment exist by now, or whose time has come. Events that are too old when
 * they are received need an operator.
 * @throws if the database is unavailable
 */
export async function releaseCured(
  db: Database,
  { after = 0, until = Infinity, onError = throwIt, ...options }: CuredOptions,
): Promise<CuredRelease> {
  const { maxAheadMs } = options.timeBounds ?? DEFAULT_TIME_BOUNDS;
  const upTo = new Date(Math.min(options.now.getTime() + maxAheadMs, LAST_MS));
  // Before the transactions, which would otherwise wait for a second connection.
  await fixCalendar(db);
  const tally = createTally();

  async function release(ids: readonly number[]): Promise<void> {
    try {
      tally.add(await releaseChunk(db, ids, SWEEP, options));
    } catch (error) {
      // A statement that took too long looks the same as a database that doesn't answer.
      const isSlow = isDatabaseUnavailable(error);
      if (isSlow) await db.query(sql.typeAlias('nothing')`SELECT`);
      if (isSlow || ids.length === 1) {
        onError(ids, error);
        return;
      }
      const half = Math.ceil(ids.length / 2);
      await release(ids.slice(0, half));
      await release(ids.slice(half));
    }
  }

  let next = after;
  for (;;) {
    const found = await findCured(db, upTo, next, FOUND_EVENTS);
    for (let start = 0; start < found.length; start += CHUNK_EVENTS) {
      const chunk = found.slice(start, start + CHUNK_EVENTS);
      await release(chunk);
      next = chunk.at(-1) ?? next;
      if (performance.now() >= until) return { ...tally.sum(), next };
    }
    if (found.length < FOUND_EVENTS) return { ...tally.sum(), next: null };
  }
}

function throwIt(_quarantineIds: readonly number[], error: unknown): never {
  throw error;
}
