import { findAccepted, findQuarantined, type KnownEvent } from '../../db/usage/reconcile-usage.ts';
import type { Queryable } from '../../db/pool.ts';
import { Decimal } from '../../domain/decimal.ts';
import type { QuarantineReason } from '../../domain/quarantine.ts';
import type { JsonObject } from '../../domain/types.ts';
import type { HeldEvent } from '../quarantine/hold.ts';

/** An event that was made of a row of LiteLLM's own log. */
export interface LoggedEvent {
  readonly event: JsonObject;
  /** Its id if the log has rounded its start up; null: the id doesn't depend on the start. */
  readonly previousId: string | null;
}

/** Events of LiteLLM's log, compared with the ledger and the quarantine. */
export interface MatchedEvents {
  /** To be ingested. */
  readonly fresh: readonly JsonObject[];
  /** To be held. */
  readonly freshHeld: readonly HeldEvent[];
  /** What became of the others when they came before. */
  readonly known: readonly ('duplicate' | QuarantineReason)[];
}

/**
 * Finds the events that have arrived before. LiteLLM's callback and its log tell the start of a request with another
 * precision, so the ledger and the quarantine would take them for events with the same id and other content. In the
 * ledger, they are the same if tenant, deployment and charge are. An event that differs in those is fresh, with the id
 * of the one before: a conflict. In quarantine, the id decides (docs/spec.md#litellm).
 */
export async function matchLogged(
  db: Queryable,
  logged: readonly LoggedEvent[],
  held: readonly HeldEvent[],
): Promise<MatchedEvents> {
  const ids = logged.flatMap(idsOf);
  const accepted = new Map((await findAccepted(db, ids)).map((event) => [event.id, event]));
  const heldIds = held.map(({ sourceId }) => sourceId);
  const quarantined = await findQuarantined(db, [...ids, ...heldIds]);
  const fresh: JsonObject[] = [];
  const freshHeld: HeldEvent[] = [];
  const known: ('duplicate' | QuarantineReason)[] = [];
  for (const one of logged) {
    const before = firstOf(accepted, idsOf(one));
    const waiting = firstOf(quarantined, idsOf(one));
    if (before !== undefined && isSame(one.event, before)) known.push('duplicate');
    else if (before !== undefined) fresh.push({ ...one.event, gateway_request_id: before.id });
    else if (waiting !== undefined) known.push(waiting.reason);
    else fresh.push(one.event);
  }
  for (const one of held) {
    const waiting = quarantined.get(one.sourceId);
    if (waiting === undefined) freshHeld.push(one);
    else known.push(waiting.reason);
  }
  return { fresh, freshHeld, known };
}

function idsOf({ event: { gateway_request_id: id }, previousId }: LoggedEvent): readonly string[] {
  return [id, previousId].filter((known) => typeof known === 'string');
}

function firstOf<T>(map: ReadonlyMap<string, T>, ids: readonly string[]): T | undefined {
  return ids.map((id) => map.get(id)).find((found) => found !== undefined);
}

/** An expired event is only known by its id. */
function isSame(event: JsonObject, { tenantId, deploymentId, chargeCents }: KnownEvent): boolean {
  return (
    event.tenant_id === tenantId &&
    event.deployment_id === deploymentId &&
    (chargeCents === null ||
      (typeof event.charge_cents === 'string' &&
        new Decimal(event.charge_cents).equals(chargeCents)))
  );
}
