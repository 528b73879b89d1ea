import { UniqueIntegrityConstraintViolationError } from 'slonik';
import { type Appended, bucketKeyText, numberBuckets } from '../db/usage/append-usage.ts';
import type { Queryable, Transaction } from '../db/pool.ts';
import {
  lockOpenBuckets,
  readExpiredMonths,
  readContentHashes,
  type BucketKey,
  type UsageSource,
} from '../db/usage/usage-ledger.ts';
import { OTHER_MODELS } from '../domain/llm-lines.ts';
import {
  ACCEPTED,
  compareWithStored,
  fillGaps,
  rejectedField,
  type UsageResult,
} from './results.ts';
import type { Entry } from './usage-kind.ts';

/** The result of inserting entries with new ids; an id in neither set was stored concurrently. */
export interface Inserted {
  readonly accepted: ReadonlySet<string>;
  /** The results of entries that were not stored, by id. */
  readonly refused: ReadonlyMap<string, UsageResult>;
}

export interface AppendOptions<E extends Entry> {
  readonly source: UsageSource;
  readonly idField: string;
  /** Whether an entry can be stored without looking at other entries. */
  readonly isPlain: (entry: E) => boolean;
  /** Stores plain entries whose buckets are open, in a separate transaction. */
  readonly appendPlain: (
    db: Queryable,
    entries: readonly E[],
    otherIds: readonly string[],
  ) => Promise<Appended>;
  /** Inserts entries whose buckets are locked. May run again after a rollback. */
  readonly insert: (
    tx: Transaction,
    entries: readonly (E & { readonly bucketId: number })[],
  ) => Promise<Inserted>;
}

/**
 * Appends entries to the ledger: plain ones whose buckets are open with one statement, then the others in one
 * transaction. If several entries have the same id, the first one decides, and the others are compared with it.
 * The time bounds apply to new ids only: an accepted event is a duplicate forever.
 * @param db a pool; or a transaction, of which everything is then a part
 * @returns a result per entry, in order, once committed
 */
export async function append<E extends Entry>(
  db: Queryable,
  entries: readonly E[],
  options: AppendOptions<E>,
): Promise<readonly UsageResult[]> {
  const firsts = firstOfEachId(entries);
  // Stored ids are read first, so that replays write nothing and open no bucket. The insert still decides
  // whether an id is new.
  const { known, accepted } = await appendPlain(db, [...firsts.values()], options);
  // The usual case, without another look at each event.
  if (accepted === 'all' && firsts.size === entries.length) return entries.map(() => ACCEPTED);
  const appended = accepted === 'all' ? new Set(firsts.keys()) : accepted;
  const fresh = [...firsts.values()].filter(
    ({ barred, id }) => barred === null && !known.has(id) && !appended.has(id),
  );
  const { accepted: inserted, refused } = await insertFresh(db, fresh, options);
  const overtaken = fresh.filter(({ id }) => !inserted.has(id) && !refused.has(id));
  const overtakenHashes = await readHashes(
    db,
    options.source,
    overtaken.map(({ id }) => id),
  );

  const undecided: E[] = [];
  const results = entries.map((entry): UsageResult | null => {
    const { id } = entry;
    const first = firsts.get(id);
    const isFirst = first === entry;
    const isAccepted = appended.has(id) || inserted.has(id);
    if (isFirst && isAccepted) return ACCEPTED;
    const storedHash = isAccepted ? first?.contentHash : (known.get(id) ?? overtakenHashes.get(id));
    if (storedHash !== undefined) return compareWithStored(options.idField, entry, storedHash);
    const refusal = refused.get(id) ?? (first?.barred && rejectedField(first.barred));
    if (!refusal) throw new Error(`${id} was neither stored nor refused`);
    if (isFirst) return refusal;
    // The first entry with this id wasn't stored, so it doesn't decide about this one.
    undecided.push(entry);
    return null;
  });
  return undecided.length === 0
    ? fillGaps(results, [])
    : fillGaps(results, await append(db, undecided, options));
}

/**
 * Stores the plain entries whose buckets are open; none if another sender stores one of them at the same moment.
 * @param entries each id once; any of them may already be stored
 * @returns the hashes of the entries that were already stored, and the ids that were stored now
 */
async function appendPlain<E extends Entry>(
  db: Queryable,
  entries: readonly E[],
  options: AppendOptions<E>,
): Promise<{
  readonly known: ReadonlyMap<string, string>;
  readonly accepted: ReadonlySet<string> | 'all';
}> {
  const plain: E[] = [];
  const otherIds: string[] = [];
  for (const entry of entries) {
    if (entry.barred === null && options.isPlain(entry)) plain.push(entry);
    else otherIds.push(entry.id);
  }
  if (plain.length === 0) {
    return { known: await readHashes(db, options.source, otherIds), accepted: new Set() };
  }
  let appended: Appended;
  try {
    appended = await options.appendPlain(db, plain, otherIds);
  } catch (error) {
    if (!(error instanceof UniqueIntegrityConstraintViolationError)) throw error;
    const ids = entries.map(({ id }) => id);
    return { known: await readHashes(db, options.source, ids), accepted: new Set() };
  }
  const { known, missed } = appended;
  const isAll = plain.length === entries.length && known.size === 0 && missed.size === 0;
  if (isAll) return { known, accepted: 'all' };
  const accepted = new Set<string>();
  for (const { id } of plain) {
    if (!known.has(id) && !missed.has(id)) accepted.add(id);
  }
  return { known, accepted };
}

async function readHashes(
  db: Queryable,
  source: UsageSource,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  return ids.length === 0 ? new Map() : readContentHashes(db, source, ids);
}

async function insertFresh<E extends Entry>(
  db: Queryable,
  entries: readonly E[],
  { source, insert }: AppendOptions<E>,
): Promise<Inserted> {
  if (entries.length === 0) return { accepted: new Set(), refused: new Map() };
  return db.transaction(async (tx) => {
    const expired = await readExpiredMonths(tx, source, entries);
    const [late, timely] = partition(entries, ({ serviceMonth }) => expired.has(serviceMonth));
    const { firsts } = numberBuckets(timely);
    const buckets = await lockOpenBuckets(tx, source, firsts.map(toBucketKey));
    const bucketIds = new Map(buckets.map((bucket) => [bucketKeyText(bucket), bucket.bucketId]));
    const { accepted, refused } = await insert(
      tx,
      timely.map((entry) => {
        const key = bucketKeyText(entry);
        const bucketId =
          bucketIds.get(key) ?? bucketIds.get(bucketKeyText({ ...entry, model: OTHER_MODELS }));
        if (bucketId === undefined) throw new Error(`no bucket was locked for ${key}`);
        return { ...entry, bucketId };
      }),
    );
    return {
      accepted,
      refused: new Map([
        ...refused,
        ...late.map((entry) => [entry.id, expiredUsage(entry)] as const),
      ]),
    };
  });
}

/**
 * Returns the result for new usage of a month whose events were deleted: with it, no sum of that month could be
 * verified.
 */
function expiredUsage({ serviceMonth }: Entry): UsageResult {
  const month = serviceMonth.slice(0, '2026-05'.length);
  return rejectedField({
    pointer: '/occurred_at',
    detail:
      `the usage of ${month} has expired, and the month accepts no more: its events were deleted by ` +
      'an operator (`usage expire`); bill the difference as an invoice item (`items add`)',
  });
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const item of items) parts[isFirst(item) ? 0 : 1].push(item);
  return parts;
}

function firstOfEachId<E extends Entry>(entries: readonly E[]): ReadonlyMap<string, E> {
  const firsts = new Map<string, E>();
  for (const entry of entries) {
    if (!firsts.has(entry.id)) firsts.set(entry.id, entry);
  }
  return firsts;
}

/** Returns the key alone, because every property would be sent to the database. */
function toBucketKey(key: BucketKey): BucketKey {
  const { tenantId, deploymentId, resourceKind, serviceMonth, model } = key;
  return { tenantId, deploymentId, resourceKind, serviceMonth, model };
}
