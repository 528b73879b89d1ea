import type { Database, Transaction } from './pool.ts';
import { sql } from './sql.ts';

/**
 * Reads everything as it was at one moment, and can't write: for what has to be compared with each
 * other, while usage comes in and invoices are issued.
 */
export function inOneSnapshot<T>(db: Database, read: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query(
      sql.typeAlias('nothing')`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY`,
    );
    return read(tx);
  });
}
