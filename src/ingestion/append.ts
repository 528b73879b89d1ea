import type { Database, Transaction } from '../db/pool.ts';
import {
  lockOpenBuckets,
  readContentHashes,
  type BucketKey,
  type UsageSource,
} from '../db/usage-ledger.ts';
import {
  ACCEPTED,
  compareWithStored,
  fillGaps,
  rejected,
  rejectedField,
  type UsageResult,
} from './results.ts';
import type { DatedEntry, Entry } from './usage-kind.ts';

/** What inserting entries with new ids came to; one in neither had been stored meanwhile. */
export interface Inserted {
  readonly accepted: ReadonlySet<string>;
  /** Reasons by id; nothing of these was stored. */
  readonly refused: ReadonlyMap<string, string>;
}

export interface AppendOptions<E extends Entry> {
  readonly source: UsageSource;
  readonly idField: string;
  /** Inserts entries whose buckets are locked. May run again after a rollback. */
  readonly insert: (
    tx: Transaction,
    entries: readonly (E & { readonly bucketId: number })[],
  ) => Promise<Inserted>;
}

/**
 * Appends entries to the ledger in one transaction. Of entries with one id the first one decides,
 * the others are compared with what is stored. The time bounds hold for new ids alone: an event that
 * was accepted is a duplicate for ever.
 * @returns a result per entry, in order, committed
 */
export async function append<E extends Entry>(
  db: Database,
  entries: readonly DatedEntry<E>[],
  options: AppendOptions<E>,
): Promise<readonly UsageResult[]> {
  const firsts = firstOfEachId(entries);
  // Read first, for the sake of replays: they write nothing and open no bucket. Whether an id is
  // new is still decided by the insert.
  const known = await readHashes(db, options.source, [...firsts.keys()]);
  const unknown = [...firsts.values()].filter(({ id }) => !known.has(id));
  const fresh = unknown.filter(({ barred }) => barred === null);
  const { accepted, refused } = await insertFresh(db, fresh, options);
  const overtaken = fresh.filter(({ id }) => !accepted.has(id) && !refused.has(id));
  const stored = new Map([
    ...known,
    ...fresh.filter(({ id }) => accepted.has(id)).map((e) => [e.id, e.contentHash] as const),
    ...(await readHashes(
      db,
      options.source,
      overtaken.map(({ id }) => id),
    )),
  ]);

  const undecided: DatedEntry<E>[] = [];
  const results = entries.map((entry): UsageResult | null => {
    const isFirst = firsts.get(entry.id) === entry;
    if (isFirst && accepted.has(entry.id)) return ACCEPTED;
    const storedHash = stored.get(entry.id);
    if (storedHash !== undefined) return compareWithStored(options.idField, entry, storedHash);
    if (isFirst && entry.barred !== null) return rejectedField(entry.barred);
    const reason = refused.get(entry.id) ?? firsts.get(entry.id)?.barred?.detail;
    if (reason === undefined) throw new Error(`${entry.id} was neither stored nor refused`);
    if (isFirst) return rejected(reason);
    // The first one with this id wasn't stored and so decides nothing.
    undecided.push(entry);
    return null;
  });
  return undecided.length === 0
    ? fillGaps(results, [])
    : fillGaps(results, await append(db, undecided, options));
}

async function readHashes(
  db: Database,
  source: UsageSource,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  return ids.length === 0 ? new Map() : readContentHashes(db, source, ids);
}

async function insertFresh<E extends Entry>(
  db: Database,
  entries: readonly E[],
  { source, insert }: AppendOptions<E>,
): Promise<Inserted> {
  if (entries.length === 0) return { accepted: new Set(), refused: new Map() };
  const keys = distinctBucketKeys(entries);
  return db.transaction(async (tx) => {
    const buckets = await lockOpenBuckets(tx, source, [...keys.values()]);
    const bucketIds = new Map(buckets.map((bucket) => [keyText(bucket), bucket.bucketId]));
    return insert(
      tx,
      entries.map((entry) => {
        const bucketId = bucketIds.get(keyText(entry));
        if (bucketId === undefined) throw new Error(`no bucket was locked for ${keyText(entry)}`);
        return { ...entry, bucketId };
      }),
    );
  });
}

function firstOfEachId<E extends Entry>(entries: readonly E[]): ReadonlyMap<string, E> {
  const firsts = new Map<string, E>();
  for (const entry of entries) {
    if (!firsts.has(entry.id)) firsts.set(entry.id, entry);
  }
  return firsts;
}

function distinctBucketKeys(entries: readonly BucketKey[]): ReadonlyMap<string, BucketKey> {
  return new Map(
    entries.map(({ tenantId, deploymentId, resourceKind, serviceMonth }) => {
      const key = { tenantId, deploymentId, resourceKind, serviceMonth };
      return [keyText(key), key];
    }),
  );
}

/** Unambiguous: ids and months hold no spaces. */
function keyText({ deploymentId, resourceKind, serviceMonth }: BucketKey): string {
  return `${deploymentId} ${serviceMonth} ${resourceKind}`;
}
