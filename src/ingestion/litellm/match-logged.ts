import {
  findAccepted,
  findQuarantined,
  type QuarantinedId,
} from '../../db/usage/reconcile-usage.ts';
import type { Queryable } from '../../db/pool.ts';
import type { QuarantineReason } from '../../domain/quarantine.ts';
import type { JsonObject } from '../../domain/types.ts';
import { parseUtcInstant } from '../instant.ts';
import { isSameRequest, toBilledRequest } from './billed-request.ts';

/** Events of LiteLLM's log, compared with the ledger and the quarantine. */
export interface MatchedEvents {
  /** To be ingested. */
  readonly fresh: readonly JsonObject[];
  /** The number of those that were accepted before. */
  readonly duplicates: number;
  /** Why events with these ids are held or were dismissed. What can't be accepted of them isn't held again. */
  readonly waiting: ReadonlyMap<string, QuarantineReason>;
}

/**
 * Finds the events that have arrived before. LiteLLM's log tells the start of a request in milliseconds, its callback
 * in microseconds, so the ledger and the quarantine would take the two for events with the same id and other content. In
 * the ledger, they are the same if tenant, deployment and charge are; one that differs in those is a conflict. One that
 * is or was in quarantine is tried, at the time that is known from there (docs/spec.md#litellm).
 * @param events as `toLlmEvent` returns them; to be ingested if they are new
 * @param heldIds ids of events that can't be ingested
 */
export async function matchLogged(
  db: Queryable,
  events: readonly JsonObject[],
  heldIds: readonly string[],
): Promise<MatchedEvents> {
  const billed = events.map((event) => ({ event, request: toBilledRequest(event) }));
  const ids = billed.map(({ request }) => request.id);
  const accepted = await findAccepted(db, ids);
  const quarantined = await findQuarantined(db, [...ids, ...heldIds]);
  const fresh = billed.filter(({ request }) => {
    const before = accepted.get(request.id);
    return before === undefined || !isSameRequest(request, before);
  });
  const waiting = [...quarantined.values()].filter(({ state }) => state !== 'released');
  return {
    fresh: fresh.map(({ event, request }) => withExactTime(event, quarantined.get(request.id))),
    duplicates: events.length - fresh.length,
    waiting: new Map(waiting.map(({ id, reason }) => [id, reason])),
  };
}

/**
 * Returns the event with the microseconds that the quarantine knows of it: if that is released too, it is then a
 * duplicate and no conflict.
 */
function withExactTime(event: JsonObject, before: QuarantinedId | undefined): JsonObject {
  const { occurred_at: at } = event;
  if (!before?.occurredAt || typeof at !== 'string') return event;
  const isRounded = parseUtcInstant(at)?.stored === before.roundedAt;
  return isRounded ? { ...event, occurred_at: before.occurredAt } : event;
}
