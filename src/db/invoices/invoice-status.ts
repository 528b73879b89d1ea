import { z } from 'zod';
import type { Database, Transaction } from '../pool.ts';
import { sql } from '../sql.ts';
import { lockTenants } from '../transactions.ts';
import { isSettled } from './standing.ts';

/** The final status, set when the invoice is not to be paid. */
export const FINAL_STATUSES = ['void'] as const;
export type FinalStatus = (typeof FINAL_STATUSES)[number];

export interface StatusChange {
  readonly invoiceId: string;
  readonly status: FinalStatus;
  /** Who made the change. */
  readonly actor: string;
  readonly reason: string | null;
}

export type StatusChangeResult =
  | { readonly outcome: 'changed' | 'unchanged' }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'refused'; readonly reason: string };

const target = z.object({
  tenantId: z.string(),
  number: z.string(),
  status: z.enum(['issued', 'void', 'superseded']),
  isSettled: z.boolean(),
  successor: z.string().nullable(),
});

/**
 * Marks an issued invoice as void, permanently, and records the actor. Repeating it changes nothing: the first record
 * stays. Waits for any transaction that is issuing or paying an invoice of the same tenant. Refused once settled.
 */
export function changeInvoiceStatus(
  db: Database,
  change: StatusChange,
): Promise<StatusChangeResult> {
  const { invoiceId, status } = change;
  return db.transaction(async (tx) => {
    const known = await readTarget(tx, invoiceId);
    if (known === null) return { outcome: 'unknown' };
    await lockTenants(tx, [known.tenantId]);
    // Read again: a revision may have replaced it while we waited.
    const invoice = (await readTarget(tx, invoiceId)) ?? known;
    if (invoice.status === status) return { outcome: 'unchanged' };
    if (invoice.status !== 'issued' || invoice.isSettled)
      return { outcome: 'refused', reason: whyNot(invoice, status) };
    await record(tx, change);
    return { outcome: 'changed' };
  });
}

function readTarget(tx: Transaction, invoiceId: string): Promise<z.infer<typeof target> | null> {
  return tx.maybeOne(sql.type(target)`
    SELECT i.tenant_id AS "tenantId", i.number, i.status, ${isSettled('i')} AS "isSettled", s.number AS successor
    FROM invoices i LEFT JOIN invoices s ON s.invoice_id = i.superseded_by
    WHERE i.invoice_id = ${invoiceId}::uuid AND i.kind = 'invoice'
  `);
}

async function record(tx: Transaction, change: StatusChange): Promise<void> {
  const { invoiceId, status, actor, reason } = change;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO invoice_status_changes (invoice_id, status, actor, reason)
    VALUES (${invoiceId}::uuid, ${status}, ${actor}, ${reason})
  `);
  await tx.query(sql.typeAlias('nothing')`
    UPDATE invoices SET status = ${status} WHERE invoice_id = ${invoiceId}::uuid
  `);
}

function whyNot(invoice: z.infer<typeof target>, wanted: FinalStatus): string {
  const { number, status, isSettled, successor } = invoice;
  if (status === 'superseded') {
    return `invoice ${number} was replaced by ${successor}: that one is to be ${wanted}`;
  }
  if (isSettled) return `invoice ${number} is settled: it can't become ${wanted}`;
  return `invoice ${number} is ${status}, which is final: it can't become ${wanted}`;
}
