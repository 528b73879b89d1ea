import type { Transaction } from './pool.ts';
import { sql } from './sql.ts';

/** Any number that nothing else locks. */
const LOCK_KEY = 4_217_003;

/**
 * Waits until no other feed (of plans, of subscriptions) is being applied, and keeps others
 * waiting until the end of the transaction: what a feed was compared with is then what it changes.
 */
export async function takeFeedTurn(tx: Transaction): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`SELECT FROM pg_advisory_xact_lock(${LOCK_KEY})`);
}
