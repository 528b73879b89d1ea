import {
  findAccepted,
  findQuarantined,
  type KnownEvent,
  type QuarantinedId,
} from '../../db/usage/reconcile-usage.ts';
import type { Queryable } from '../../db/pool.ts';
import { Decimal } from '../../domain/decimal.ts';
import type { QuarantineReason } from '../../domain/quarantine.ts';
import type { JsonObject } from '../../domain/types.ts';
import { parseUtcInstant } from '../instant.ts';

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
 * @param events to be ingested if they are new
 * @param heldIds ids of events that can't be ingested
 */
export async function matchLogged(
  db: Queryable,
  events: readonly JsonObject[],
  heldIds: readonly string[],
): Promise<MatchedEvents> {
  const ids = events.map(idOf);
  const accepted = new Map((await findAccepted(db, ids)).map((event) => [event.id, event]));
  const quarantined = await findQuarantined(db, [...ids, ...heldIds]);
  const fresh = events.filter((event) => !isSame(event, accepted.get(idOf(event))));
  const waiting = [...quarantined.values()].filter(({ state }) => state !== 'released');
  return {
    fresh: fresh.map((event) => withExactTime(event, quarantined.get(idOf(event)))),
    duplicates: events.length - fresh.length,
    waiting: new Map(waiting.map(({ id, reason }) => [id, reason])),
  };
}

function idOf({ gateway_request_id: id }: JsonObject): string {
  return typeof id === 'string' ? id : '';
}

/** An expired event is only known by its id. */
function isSame(event: JsonObject, before: KnownEvent | undefined): boolean {
  if (before === undefined) return false;
  const { tenantId, deploymentId, chargeCents } = before;
  return (
    event.tenant_id === tenantId &&
    event.deployment_id === deploymentId &&
    (chargeCents === null ||
      (typeof event.charge_cents === 'string' &&
        new Decimal(event.charge_cents).equals(chargeCents)))
  );
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
