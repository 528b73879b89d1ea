import type { Database, Transaction } from '../../db/pool.ts';
import {
  endQuarantine,
  findHeld,
  keepHeld,
  lockHeld,
  type Decision,
  type HeldFilter,
  type HeldRow,
  type ReleasedRow,
} from '../../db/usage/quarantine.ts';
import { findDeployments, insertLlmEvents } from '../../db/usage/usage-ledger.ts';
import { fixCalendar } from '../../db/settings/load-calendar.ts';
import { Decimal, toDecimalString } from '../../domain/decimal.ts';
import type { QuarantineReason } from '../../domain/quarantine.ts';
import type { JsonObject } from '../../domain/types.ts';
import { append, type AppendOptions } from '../append.ts';
import type { UtcInstant } from '../instant.ts';
import { LLM_USAGE, type LlmEntry } from '../llm-event.ts';
import { prepareEvents } from '../prepare-events.ts';
import { fillGaps, type FieldError, type UsageResult } from '../results.ts';
import { checkTime, DEFAULT_TIME_BOUNDS, type TimeBounds } from '../time-bounds.ts';
import { findAcceptedAsSent } from './accepted-as-sent.ts';
import { toAssigned, whyOtherUnit, type Assignment } from './assignment.ts';
import { nameUnknownTenants, toHeld, type HeldEvent } from './hold.ts';
import { inChunks, type Find } from './in-chunks.ts';

/** Events that are released in one transaction; limits how long it holds the locks of buckets. */
export const CHUNK_EVENTS = 500;

/** The actor of a release, its reason, and the fields that it replaces. */
export interface ReleaseDecision extends Decision {
  readonly assign?: Assignment | undefined;
}

/** The result of a release. */
export interface Release {
  /** Events that are in the ledger now. */
  readonly released: number;
  /** Those among them that had been accepted before, because they were sent again. */
  readonly already_accepted: number;
  /** Exact charges that the release added to the ledger, by currency. */
  readonly added: readonly { readonly currency: string; readonly charge_cents: string }[];
  /** Events that could not be released, by the reason that holds them now. */
  readonly still_held: readonly {
    readonly held_for: QuarantineReason;
    readonly events: number;
    /** The sentence of one of them. */
    readonly example: string;
  }[];
  /** False if the limit was reached: release again for the rest. */
  readonly is_complete: boolean;
}

export interface ReleaseOptions {
  readonly now: Date;
  /** By default 62 days and 5 minutes. */
  readonly timeBounds?: TimeBounds | undefined;
  /** After so many events the release ends; by default when all are done. */
  readonly maxEvents?: number | undefined;
}

/**
 * Releases held events into the ledger (docs/spec.md#quarantine). An event that still can't be accepted stays held, with
 * the reason that it is held for now. Each event and its release are one transaction: it counts once, whatever
 * interrupts a release and however many run at a time.
 * @throws UnfilteredAssignmentError if it replaces fields and has no filter
 */
export async function releaseQuarantined(
  db: Database,
  filter: HeldFilter,
  { assign, ...decision }: ReleaseDecision,
  options: ReleaseOptions,
): Promise<Release> {
  const assigned = toAssigned(assign, filter);
  const find: Find = (after, limit) => findHeld(db, filter, after, limit);
  const releasing: Releasing = {
    assigned,
    isFor: () => true,
    store: insertLlmEvents,
    async end(tx, released) {
      const ids = released.map(({ quarantineId }) => quarantineId);
      await endQuarantine(tx, ids, 'released', decision, assigned);
    },
  };
  // Before the transactions, which would otherwise wait for a second connection.
  await fixCalendar(db);
  const tally = createTally();
  const { maxEvents = Infinity } = options;
  const isComplete = await inChunks(find, { chunkEvents: CHUNK_EVENTS, maxEvents }, async (found) =>
    tally.add(await releaseChunk(db, found, releasing, options)),
  );
  return { ...tally.sum(), is_complete: isComplete };
}

/** How events are released. */
export interface Releasing {
  /** The fields that replace those of the events; null if there are none. */
  readonly assigned: Readonly<Record<string, string>> | null;
  /** Whether it is for a locked event, whose reason may have changed since it was found. */
  readonly isFor: (row: HeldRow) => boolean;
  /** Stores events with new ids whose buckets are locked. @returns these ids */
  readonly store: (tx: Transaction, events: readonly ReleasedRow[]) => Promise<readonly string[]>;
  /** Ends the quarantine of events that are in the ledger. */
  readonly end: (tx: Transaction, released: readonly ReleasedEvent[]) => Promise<void>;
}

type ReleasedEvent = Pick<ReleasedRow, 'quarantineId' | 'id' | 'contentHash'>;

/** What became of some events. */
interface Tried {
  readonly accepted: readonly LlmEntry[];
  readonly duplicates: number;
  readonly held: readonly Pick<HeldEvent, 'reason' | 'detail'>[];
}

/** Releases events in one transaction. */
export function releaseChunk(
  db: Database,
  ids: readonly number[],
  { assigned, isFor, store, end }: Releasing,
  options: ReleaseOptions,
): Promise<Tried> {
  return db.transaction(async (tx) => {
    const rows = (await lockHeld(tx, ids)).filter(isFor);
    const events = rows.map(({ fields }): JsonObject => ({ ...fields, ...assigned }));
    const { refusals, entries } = await prepareEvents(LLM_USAGE, events, {
      db,
      findDeployments: async (deploymentIds) => {
        const existing = await findDeployments(tx, [...new Set(deploymentIds)]);
        return new Map(existing.map((each) => [each.deploymentId, each]));
      },
      checkTime: (occurredAt, index) =>
        whyOtherUnit(rows[index]?.fields.currency, assigned?.currency) ??
        whyBarred(occurredAt, rows[index], options),
    });
    const placed = rows.filter((_, index) => refusals[index] === null);
    const located = entries.map((entry, index) => ({
      ...entry,
      quarantineId: idOf(placed[index]),
    }));
    const stored = await append(tx, located, appendWith(store));
    const isIn = ({ status }: UsageResult) => status === 'accepted' || status === 'duplicate';
    const released = located.filter((_, index) => stored[index] && isIn(stored[index]));
    await end(tx, released);
    const results = fillGaps(refusals, stored);

    const held = await nameUnknownTenants(
      tx,
      rows.flatMap(({ quarantineId, reason }, index) => {
        const [event, result] = [events[index], results[index]];
        if (event === undefined || result === undefined) throw new Error('an event has no result');
        if (!('reason' in result)) return [];
        return { ...toHeld(event, result, options.now), quarantineId, before: reason };
      }),
    );
    // A reason that stays keeps its sentence, which may say more.
    const changed = held.filter(({ reason, before }) => reason !== before);
    await keepHeld(tx, assigned === null ? changed : await findConflicts(tx, rows, changed));
    return {
      accepted: entries.filter((_, index) => stored[index]?.status === 'accepted'),
      duplicates: stored.filter(({ status }) => status === 'duplicate').length,
      held,
    };
  });
}

/**
 * Returns those of the events whose id belongs to another event. Nothing else that a release finds wrong with assigned
 * fields is wrong with the event itself. An event that was accepted as it was sent only conflicts because of them, too.
 */
async function findConflicts<Changed extends HeldEvent & Pick<HeldRow, 'quarantineId'>>(
  tx: Transaction,
  rows: readonly HeldRow[],
  changed: readonly Changed[],
): Promise<readonly Changed[]> {
  const conflicts = changed.filter(({ reason }) => reason === 'conflict');
  if (conflicts.length === 0) return [];
  const accepted = await findAcceptedAsSent(tx, rows);
  return conflicts.filter(({ quarantineId }) => !accepted.has(quarantineId));
}

function idOf(row: HeldRow | undefined): number {
  if (row === undefined) throw new Error('an event has no row');
  return row.quarantineId;
}

type Located = LlmEntry & Pick<HeldRow, 'quarantineId'>;

/** No event takes the fast path: locks of several statements, held together, could deadlock with other transactions. */
function appendWith(store: Releasing['store']): AppendOptions<Located> {
  return {
    source: LLM_USAGE.source,
    idField: LLM_USAGE.idField,
    isPlain: () => false,
    appendPlain: () => Promise.reject(new Error('no held event is plain')),
    insert: async (tx, fresh) => ({
      accepted: new Set(await store(tx, fresh)),
      refused: new Map(),
    }),
  };
}

/**
 * Returns why an event's time is still out of bounds. Its age is that when it was received: it isn't too old because it
 * was held. An operator's release of an event that is held as too old lifts that bound.
 */
function whyBarred(
  occurredAt: UtcInstant,
  row: HeldRow | undefined,
  { now, timeBounds = DEFAULT_TIME_BOUNDS }: ReleaseOptions,
): FieldError | null {
  const isAhead = checkTime(occurredAt, now, timeBounds, true);
  if (isAhead !== null || row === undefined) return isAhead;
  const receivedAt = new Date(row.receivedAt);
  const isOldAllowed = row.reason === 'too_old';
  return checkTime(occurredAt, receivedAt, { ...timeBounds, maxAheadMs: Infinity }, isOldAllowed);
}

/** Adds up what became of chunks of events, without keeping them. */
export function createTally() {
  let accepted = 0;
  let duplicates = 0;
  const charges = new Map<string, Decimal>();
  const held = new Map<QuarantineReason, { readonly events: number; readonly example: string }>();
  return {
    add(tried: Tried): void {
      accepted += tried.accepted.length;
      duplicates += tried.duplicates;
      for (const { currency, chargeCents } of tried.accepted) {
        charges.set(currency, (charges.get(currency) ?? new Decimal(0)).plus(chargeCents));
      }
      for (const { reason, detail } of tried.held) {
        const { events, example } = held.get(reason) ?? { events: 0, example: detail };
        held.set(reason, { events: events + 1, example });
      }
    },
    sum: (): Omit<Release, 'is_complete'> => ({
      released: accepted + duplicates,
      already_accepted: duplicates,
      added: [...charges].map(([currency, sum]) => ({
        currency,
        charge_cents: toDecimalString(sum),
      })),
      still_held: [...held].map(([held_for, counted]) => ({ held_for, ...counted })),
    }),
  };
}
