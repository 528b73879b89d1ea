import type { Database, Queryable, Transaction } from '../pool.ts';
import { shareCalendar } from '../settings/load-calendar.ts';
import { sql } from '../sql.ts';

/**
 * Returns the database as a tenant may see it: each query runs as `arcadia_tenant`, and row level security
 * limits it to that tenant's rows, whatever the query asks for (`migrations/000001_roles.sql`). It can write nothing
 * but spend thresholds. This is the second layer of isolation; the queries filter by tenant too.
 *
 * Each call is a separate transaction, and no connection is held between calls; `transaction` sees one snapshot. Don't
 * use it inside a transaction, because a scope lasts until the outermost transaction ends.
 */
export function scopeToTenant(db: Database, tenantId: string): Queryable {
  const inScope = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    db.transaction(async (tx) => {
      await enterScope(tx, tenantId);
      return work(tx);
    });
  const inSnapshot = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    db.transaction(async (tx) => {
      // Before entering the scope, which is a query: from the first one on, the isolation level stays.
      await tx.query(sql.typeAlias('nothing')`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`);
      await enterScope(tx, tenantId);
      return work(tx);
    });
  const view: Queryable = {
    any: (query) => inScope((tx) => tx.any(query)),
    anyFirst: (query) => inScope((tx) => tx.anyFirst(query)),
    exists: (query) => inScope((tx) => tx.exists(query)),
    many: (query) => inScope((tx) => tx.many(query)),
    manyFirst: (query) => inScope((tx) => tx.manyFirst(query)),
    maybeOne: (query) => inScope((tx) => tx.maybeOne(query)),
    maybeOneFirst: (query) => inScope((tx) => tx.maybeOneFirst(query)),
    one: (query) => inScope((tx) => tx.one(query)),
    oneFirst: (query) => inScope((tx) => tx.oneFirst(query)),
    query: (query) => inScope((tx) => tx.query(query)),
    record: (query) => inScope((tx) => tx.record(query)),
    stream: (query, handler) => inScope((tx) => tx.stream(query, handler)),
    transaction: (work) => inSnapshot(work),
  };
  shareCalendar(db, view);
  return view;
}

/**
 * Enters the tenant's scope until the transaction ends. `SET LOCAL` would do the same, but takes no parameters.
 */
async function enterScope(tx: Transaction, tenantId: string): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    SELECT FROM set_config('arcadia.tenant_id', ${tenantId}, true) AS tenant,
      set_config('role', 'arcadia_tenant', true) AS role
  `);
}
