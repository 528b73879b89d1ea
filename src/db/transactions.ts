import type { Queryable, Transaction } from './pool.ts';
import { sql, isOneOf } from './sql.ts';
import { z } from 'zod';

/**
 * Runs reads in one read-only snapshot, for values that are compared with each other while usage arrives and
 * invoices are issued.
 * @param db a pool, or a tenant's view of it; not a transaction
 */
export function inOneSnapshot<T>(db: Queryable, read: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query(
      sql.typeAlias('nothing')`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY`,
    );
    return read(tx);
  });
}

/**
 * Locks the tenants' rows until the transaction ends. Everything that decides about a tenant's invoice takes
 * this lock first, in the order of the ids, so that two such transactions can't deadlock.
 */
export async function lockTenants(tx: Transaction, tenantIds: readonly string[]): Promise<void> {
  await tx.any(sql.type(z.object({ tenant_id: z.string() }))`
    SELECT tenant_id FROM tenants WHERE tenant_id ${isOneOf(tenantIds, 'text')}
    ORDER BY tenant_id FOR NO KEY UPDATE
  `);
}
