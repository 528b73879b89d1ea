import { z } from 'zod';
import { monthStart } from '../../domain/period.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { rowsAs, sql, textArray } from '../sql.ts';

/** Writes invoice items: recorded once, withdrawn at most once (docs/spec.md#invoice-items). */

const stored = z.object({
  itemId: z.string(),
  tenantId: z.string(),
  month: z.string(),
  description: z.string(),
  amountCents: z.number(),
  taxable: z.boolean(),
});
/** What an item says. */
export type StoredItem = z.infer<typeof stored>;

const currency = z.object({ tenantId: z.string(), currency: z.string() });

/** Returns the currency of each of these tenants that exists. */
export async function readCurrencies(
  db: Queryable,
  tenantIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (tenantIds.length === 0) return new Map();
  const found = await db.any(sql.type(currency)`
    SELECT tenant_id AS "tenantId", currency FROM tenants
    WHERE tenant_id = ANY(${textArray(tenantIds)})
  `);
  return new Map(found.map((tenant) => [tenant.tenantId, tenant.currency]));
}

/**
 * Inserts items in the given order; those whose id is stored already stay as they are.
 * @param items of known tenants, with different ids
 * @returns the ids of the inserted ones
 */
export async function insertItems(
  tx: Transaction,
  items: readonly StoredItem[],
  actor: string,
): Promise<ReadonlySet<string>> {
  if (items.length === 0) return new Set();
  const rows = items.map(({ month, ...item }) => ({ ...item, periodStart: monthStart(month) }));
  const inserted = await tx.anyFirst(sql.type(z.object({ item_id: z.string() }))`
    INSERT INTO invoice_items
      (item_id, tenant_id, period_start, description, amount_cents, taxable, actor)
    SELECT "itemId", "tenantId", "periodStart"::date, description, "amountCents", taxable, ${actor}
    FROM ${rowsAs('i', ITEM, rows)}
    ON CONFLICT (item_id) DO NOTHING
    RETURNING item_id
  `);
  return new Set(inserted);
}

const ITEM = {
  itemId: 'text',
  tenantId: 'text',
  periodStart: 'text',
  description: 'text',
  amountCents: 'int8',
  taxable: 'bool',
} as const;

/** Returns the items with these ids, by id. */
export async function readItems(
  db: Queryable,
  itemIds: readonly string[],
): Promise<ReadonlyMap<string, StoredItem>> {
  if (itemIds.length === 0) return new Map();
  const found = await db.any(sql.type(stored)`
    SELECT item_id AS "itemId", tenant_id AS "tenantId", to_char(period_start, 'YYYY-MM') AS month,
      description, amount_cents AS "amountCents", taxable
    FROM invoice_items WHERE item_id = ANY(${textArray(itemIds)})
  `);
  return new Map(found.map((item) => [item.itemId, item]));
}

/**
 * Withdraws an item that no live invoice takes, in the transaction of the caller, who holds the tenant's lock.
 * @returns false if an invoice takes it, or if it was withdrawn before
 */
export async function withdrawUnbilled(
  tx: Transaction,
  itemId: string,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(sql.typeAlias('nothing')`
    UPDATE invoice_items SET withdrawn_at = now(), withdrawn_by = ${actor}, withdraw_reason = ${reason}
    WHERE item_id = ${itemId} AND withdrawn_at IS NULL AND applied_cents = 0
  `);
  return rowCount > 0;
}
