import type { Queryable } from '../../db/pool.ts';
import type { JsonObject } from '../../domain/types.ts';
import type { Ingestion } from '../ingestion.ts';
import { hold, nameUnknownTenants, toHeld, type HeldEvent } from '../quarantine/hold.ts';
import type { ScannedEvent } from './event-scanner.ts';
import { matchLogged, type MatchedEvents } from './match-logged.ts';
import { readLitellmEvents } from './read-litellm-events.ts';
import { toLlmEvent, type Counted } from './to-llm-event.ts';

/** What became of LiteLLM's events; each is counted once. */
export interface LitellmCounts {
  readonly accepted: number;
  /** Accepted before. */
  readonly duplicates: number;
  /** Held: their id belongs to another event. */
  readonly conflicts: number;
  /** Free of charge. */
  readonly counted: Readonly<Record<Counted, number>>;
  /** Held: their model has no price. */
  readonly unpriced: number;
  /** Held for another reason. */
  readonly quarantined: number;
}

export interface TakeOptions {
  readonly ingestion: Ingestion;
  readonly db: Queryable;
  /** The key that sent them. */
  readonly keyId: string;
  /** The currency of LiteLLM's costs. */
  readonly currency: string;
  /** Models whose requests without a cost are counted, rather than held: see `toLlmEvent`. */
  readonly freeModels: readonly string[];
  /** Whether an operator sends them, whatever their age. */
  readonly isBackfill: boolean;
  /** Whether they are rows of LiteLLM's own log: see `matchLogged`. */
  readonly isLog: boolean;
  readonly now: () => Date;
  /** Called with the events of each group, before they are committed. */
  readonly onRead: (events: number) => void;
  /** Called once events are committed, with what became of them: such as `accepted`, `failures` or `malformed`. */
  readonly onTaken: (result: string, events: number) => void;
}

/**
 * Takes LiteLLM's events as they arrive: those with a cost into the ledger, and what can't be accepted into quarantine.
 * @returns once everything is committed
 * @throws what `chunks`, the ingestion and the database throw. Everything can then be sent again.
 */
export async function takeLitellmEvents(
  chunks: AsyncIterable<Buffer>,
  options: TakeOptions,
): Promise<LitellmCounts> {
  const totals = new Map<string, number>();
  for await (const group of readLitellmEvents(chunks)) {
    options.onRead(group.length);
    const taken = Map.groupBy(await takeGroup(group, options), (result) => result);
    for (const [result, { length }] of taken) {
      options.onTaken(result, length);
      totals.set(result, (totals.get(result) ?? 0) + length);
    }
  }
  return toCounts(totals);
}

type Taken = 'accepted' | 'duplicate' | Counted | HeldEvent['reason'];

/** @returns what became of the events, in no order, once it is committed */
async function takeGroup(
  group: readonly ScannedEvent[],
  { ingestion, db, keyId, currency, freeModels, isBackfill, isLog, now }: TakeOptions,
): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  let events: JsonObject[] = [];
  const refused: HeldEvent[] = [];
  for (const scanned of group) {
    const outcome = toLlmEvent(scanned, currency, freeModels);
    if (outcome.kind === 'event') events.push(outcome.event);
    else if (outcome.kind === 'held') refused.push(outcome.held);
    else taken.push(outcome.why);
  }
  let waiting: MatchedEvents['waiting'] = new Map();
  if (isLog) {
    const heldIds = refused.map(({ sourceId }) => sourceId);
    const matched = await matchLogged(db, events, heldIds);
    events = [...matched.fresh];
    waiting = matched.waiting;
    taken.push(...Array.from({ length: matched.duplicates }, () => 'duplicate' as const));
  }
  // LiteLLM doesn't retry by default, so a full queue makes it wait.
  const how = { isBackfill, isPatient: true };
  const results = events.length === 0 ? [] : await ingestion.ingest('llm', events, how);
  for (const [index, result] of results.entries()) {
    const isStored = result.status === 'accepted' || result.status === 'duplicate';
    if (isStored) taken.push(result.status);
    else refused.push(toHeld(events[index] ?? {}, result, now()));
  }
  const held: HeldEvent[] = [];
  for (const one of refused) {
    const before = waiting.get(one.sourceId);
    if (before === undefined) held.push(one);
    else taken.push(before);
  }
  if (held.length === 0) return taken;
  const named = await nameUnknownTenants(db, held);
  await hold(db, keyId, named);
  return [...taken, ...named.map(({ reason }) => reason)];
}

function toCounts(totals: Map<string, number>): LitellmCounts {
  const take = (result: Taken): number => {
    const count = totals.get(result) ?? 0;
    totals.delete(result);
    return count;
  };
  return {
    accepted: take('accepted'),
    duplicates: take('duplicate'),
    conflicts: take('conflict'),
    counted: {
      failures: take('failures'),
      cache_hits: take('cache_hits'),
      no_cost: take('no_cost'),
      free_models: take('free_models'),
    },
    unpriced: take('unpriced_model'),
    quarantined: [...totals.values()].reduce((sum, count) => sum + count, 0),
  };
}
