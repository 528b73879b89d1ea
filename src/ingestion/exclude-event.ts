import type { Database, Queryable } from '../db/pool.ts';
import { findArchivedIds } from '../db/usage/usage-archive.ts';
import {
  findExcludable,
  findExclusion,
  insertExclusion,
  type ExcludableEvent,
  type Exclusion,
} from '../db/usage/usage-exclusions.ts';
import { lockOpenBuckets, readExpiredMonths, type UsageSource } from '../db/usage/usage-ledger.ts';
import { OTHER_MODELS } from '../domain/llm-lines.ts';

export interface ExclusionRequest {
  readonly source: UsageSource;
  /** The event's `gateway_request_id` or `record_id`. */
  readonly eventId: string;
  readonly actor: string;
  readonly reason: string;
}

export type ExclusionResult =
  /** `isNew` is false if the event was already excluded; that exclusion stays unchanged. */
  | { readonly outcome: 'excluded'; readonly isNew: boolean; readonly exclusion: Exclusion }
  | NotExcludable;

type NotExcludable =
  { readonly outcome: 'unknown' } | { readonly outcome: 'refused'; readonly reason: string };

/** Returns whether an event could be excluded now, also one that is excluded already. Writes nothing. */
export async function planExclusion(
  db: Queryable,
  { source, eventId }: Pick<ExclusionRequest, 'source' | 'eventId'>,
): Promise<NotExcludable | { readonly outcome: 'possible'; readonly event: ExcludableEvent }> {
  const event = await findExcludable(db, source, eventId);
  if (event === null) {
    const [archived] = await findArchivedIds(db, source, [eventId]);
    if (archived === undefined) return { outcome: 'unknown' };
    return { outcome: 'refused', reason: `event ${eventId} has expired, as all of its month` };
  }
  if (event.replacedBy === null) return { outcome: 'possible', event };
  const reason = `record ${eventId} was replaced by ${event.replacedBy}: exclude that one`;
  return { outcome: 'refused', reason };
}

/**
 * Permanently excludes an accepted event from billing. The event stays visible in the ledger, with the actor
 * and the reason, and no longer counts from the next invoice that includes its usage. An invoice that already
 * bills it keeps doing so until it is rerun.
 */
export function excludeEvent(db: Database, request: ExclusionRequest): Promise<ExclusionResult> {
  const { source, eventId } = request;
  return db.transaction(async (tx) => {
    // A correction takes this lock too, so the record is excluded before or after it, never during it.
    const known = source === 'metered' ? await findExcludable(tx, source, eventId) : null;
    if (known !== null) {
      const bucket = { ...known, model: OTHER_MODELS };
      await readExpiredMonths(tx, source, [bucket]);
      await lockOpenBuckets(tx, source, [bucket]);
    }
    const planned = await planExclusion(tx, request);
    if (planned.outcome !== 'possible') return planned;
    const { event } = planned;
    const isNew = await insertExclusion(tx, source, eventId, event, request);
    const exclusion = await findExclusion(tx, source, eventId);
    if (exclusion === null) throw new Error(`the exclusion of ${eventId} is gone`);
    return { outcome: 'excluded', isNew, exclusion };
  });
}
