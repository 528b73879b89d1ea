import type { Database, Transaction } from '../pool.ts';
import { sql } from '../sql.ts';

/** Any number that nothing else locks. */
const LOCK_KEY = 4_217_003;

/** The last feed of this process, by pool. */
const lastFeeds = new WeakMap<Database, Promise<unknown>>();

/**
 * Runs `work` in a transaction while no other feed (of plans, of subscriptions) is being applied:
 * what a feed was compared with is then what it changes. Feeds of one process wait here for each
 * other, and not each with a connection that ingestion could use.
 */
export function inFeedTurn<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const feed = (lastFeeds.get(db) ?? Promise.resolve()).then(() =>
    db.transaction(async (tx) => {
      await takeFeedTurn(tx);
      return work(tx);
    }),
  );
  lastFeeds.set(
    db,
    feed.catch(() => undefined),
  );
  return feed;
}

/** Waits for other processes, and keeps them waiting until the end of the transaction. */
async function takeFeedTurn(tx: Transaction): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`SELECT FROM pg_advisory_xact_lock(${LOCK_KEY})`);
}
