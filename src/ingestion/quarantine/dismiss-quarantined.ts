import type { Database } from '../../db/pool.ts';
import {
  endQuarantine,
  findHeld,
  lockHeld,
  type Decision,
  type HeldFilter,
} from '../../db/usage/quarantine.ts';
import { findAcceptedAsSent } from './accepted-as-sent.ts';
import { inChunks, type Find } from './in-chunks.ts';

/** Events that are dismissed in one transaction. */
const CHUNK_EVENTS = 1_000;

/** The result of a dismissal. */
export interface Dismissal {
  readonly dismissed: number;
  /**
   * Events that stay held, because they were sent again and accepted: a release ends their quarantine and adds nothing.
   */
  readonly already_accepted: number;
  /** False if the limit was reached: dismiss again for the rest. */
  readonly is_complete: boolean;
}

/**
 * Dismisses held events, permanently: they will not be billed, and stay visible with the reason
 * (docs/spec.md#quarantine).
 * @param maxEvents after so many events the dismissal ends; by default when all are done
 */
export async function dismissQuarantined(
  db: Database,
  filter: HeldFilter,
  decision: Decision,
  maxEvents = Infinity,
): Promise<Dismissal> {
  let dismissed = 0;
  let accepted = 0;
  const find: Find = (after, limit) => findHeld(db, filter, after, limit);
  const isComplete = await inChunks(
    find,
    { chunkEvents: CHUNK_EVENTS, maxEvents },
    async (found) => {
      const counts = await dismissChunk(db, found, decision);
      dismissed += counts.dismissed;
      accepted += counts.accepted;
    },
  );
  return { dismissed, already_accepted: accepted, is_complete: isComplete };
}

function dismissChunk(db: Database, ids: readonly number[], decision: Decision) {
  return db.transaction(async (tx) => {
    const rows = await lockHeld(tx, ids);
    const accepted = await findAcceptedAsSent(tx, rows);
    const unwanted = rows
      .map(({ quarantineId }) => quarantineId)
      .filter((quarantineId) => !accepted.has(quarantineId));
    await endQuarantine(tx, unwanted, 'dismissed', decision);
    return { dismissed: unwanted.length, accepted: accepted.size };
  });
}
