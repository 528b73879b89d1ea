import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import type { Database, Transaction } from '../pool.ts';
import { loadCalendar } from './load-calendar.ts';
import { sql } from '../sql.ts';

/** An arbitrary advisory lock key that nothing else uses. */
const LOCK_KEY = 4_217_003;

/** The last turn in this process, by pool. */
const lastTurns = new WeakMap<Database, Promise<unknown>>();

/**
 * Runs `work` in a transaction while no other catalogue or subscriptions are being applied and the billing time zone
 * doesn't change, so that the state it changes is exactly the state it was compared with, and local dates are
 * converted by the zone that is set when they are stored. Callers in one process wait here without a connection, which
 * leaves the connections to ingestion.
 */
export function inApplyTurn<T>(
  db: Database,
  work: (tx: Transaction, calendar: BillingCalendar) => Promise<T>,
): Promise<T> {
  const turn = (lastTurns.get(db) ?? Promise.resolve()).then(() =>
    db.transaction(async (tx) => {
      await takeApplyTurn(tx);
      return work(tx, await loadCalendar(db, tx));
    }),
  );
  lastTurns.set(
    db,
    turn.catch(() => undefined),
  );
  return turn;
}

/** Waits for other processes. The lock is held until the end of the transaction. */
async function takeApplyTurn(tx: Transaction): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`SELECT FROM pg_advisory_xact_lock(${LOCK_KEY})`);
}
