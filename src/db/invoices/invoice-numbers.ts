import { z } from 'zod';
import type { Queryable, Transaction } from '../pool.ts';
import { rowsAs, sql, textArray } from '../sql.ts';
import { lockTenants } from '../transactions.ts';

const numberedInvoice = z.object({
  number: z.string(),
  invoice_id: z.string(),
  period_start: z.string(),
  currency: z.string(),
  total_cents: z.number(),
  status: z.string(),
});
/** An invoice, as far as it can be compared with a list from outside. */
export type NumberedInvoice = z.infer<typeof numberedInvoice>;

/** Returns the invoices, superseded ones too, with these numbers. */
export function findInvoicesByNumber(
  db: Queryable,
  numbers: readonly string[],
): Promise<readonly NumberedInvoice[]> {
  return db.any(sql.type(numberedInvoice)`
    SELECT number, invoice_id, period_start, currency, total_cents, status
    FROM invoices WHERE number = ANY(${textArray(numbers)})
  `);
}

const tenantNumbers = z.object({
  tenant_id: z.string(),
  /** The tenant's last number, issued or skipped. */
  last_seq: z.number(),
});

/** Returns the last number of each of these tenants that exists. */
export function readLastNumbers(
  db: Queryable,
  tenantIds: readonly string[],
): Promise<readonly z.infer<typeof tenantNumbers>[]> {
  return db.any(sql.type(tenantNumbers)`
    SELECT tenant_id, last_invoice_seq AS last_seq
    FROM tenants WHERE tenant_id = ANY(${textArray(tenantIds)})
  `);
}

const skippedNumbers = z.object({
  tenant_id: z.string(),
  first_seq: z.number(),
  last_seq: z.number(),
});
/** A range of a tenant's numbers, both ends included. */
export type SkippedNumbers = z.infer<typeof skippedNumbers>;

/**
 * Skips each tenant's next numbers up to and including `seq`, and records them. Numbers up to the tenant's last one are
 * not touched: the last number never goes down.
 * @returns the numbers that were skipped now
 */
export async function skipNumbers(
  tx: Transaction,
  upTo: readonly { readonly tenantId: string; readonly seq: number }[],
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<readonly SkippedNumbers[]> {
  if (upTo.length === 0) return [];
  await lockTenants(
    tx,
    upTo.map(({ tenantId }) => tenantId),
  );
  const asked = rowsAs('asked', { tenantId: 'text', seq: 'int8' }, upTo);
  const skipped = await tx.any(sql.type(skippedNumbers)`
    INSERT INTO skipped_invoice_numbers (tenant_id, first_seq, last_seq, actor, reason)
    SELECT t.tenant_id, t.last_invoice_seq + 1, asked.seq, ${actor}, ${reason}
    FROM ${asked} JOIN tenants t ON t.tenant_id = asked."tenantId"
    WHERE asked.seq > t.last_invoice_seq
    ORDER BY t.tenant_id
    RETURNING tenant_id, first_seq, last_seq
  `);
  await tx.query(sql.typeAlias('nothing')`
    UPDATE tenants t SET last_invoice_seq = asked.seq
    FROM ${asked} WHERE t.tenant_id = asked."tenantId" AND asked.seq > t.last_invoice_seq
  `);
  return skipped;
}
