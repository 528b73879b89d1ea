import { z } from 'zod';
import type { Database, Queryable, Transaction } from '../pool.ts';
import { sql } from '../sql.ts';
import { lockTenants } from '../transactions.ts';
import { tellingVoided } from '../webhooks/webhook-outbox.ts';
import { isSettled } from '../standing.ts';

export interface VoidRequest {
  readonly invoiceId: string;
  readonly actor: string;
  readonly reason: string;
}

export type VoidResult = { readonly outcome: 'voided' } | NotVoided;

type NotVoided =
  /** `unchanged`: it was void before, and the first reason stays. */
  | { readonly outcome: 'unchanged' | 'unknown' }
  /** `replaced`: another document stands for it. `settled`: only an adjustment note can correct it. */
  | { readonly outcome: 'replaced' | 'settled'; readonly reason: string };

const target = z.object({
  kind: z.enum(['invoice', 'adjustment_note']),
  number: z.string(),
  status: z.enum(['issued', 'void', 'superseded']),
  successor: z.string().nullable(),
  isSettled: z.boolean(),
});

/**
 * Voids an issued invoice, permanently, and records who did it and why (docs/spec.md#void). Waits for transactions that
 * issue, pay or adjust the invoice, and then looks again, so that either the payment or note is refused or this is.
 * Repeating it changes nothing. A revision that is being built is refused later, when it would be issued.
 */
export function voidInvoice(db: Database, request: VoidRequest): Promise<VoidResult> {
  const { invoiceId } = request;
  return db.transaction(async (tx) => {
    const tenantId = await tx.maybeOneFirst(sql.type(z.object({ tenantId: z.string() }))`
      SELECT tenant_id AS "tenantId" FROM invoices WHERE invoice_id = ${invoiceId}::uuid
    `);
    if (tenantId === null) return { outcome: 'unknown' };
    await lockTenants(tx, [tenantId]);
    // Payments lock the invoice, not its tenant.
    await tx.query(sql.typeAlias('nothing')`
      SELECT FROM invoices WHERE invoice_id = ${invoiceId}::uuid FOR UPDATE
    `);
    // In a statement of its own, which sees what was committed while we waited.
    const planned = await planVoid(tx, invoiceId);
    if (planned.outcome !== 'possible') return planned;
    await record(tx, request);
    return { outcome: 'voided' };
  });
}

/** Returns whether an invoice could be voided now. Writes nothing. */
export async function planVoid(
  db: Queryable,
  invoiceId: string,
): Promise<NotVoided | { readonly outcome: 'possible' }> {
  const found = await db.maybeOne(sql.type(target)`
    SELECT i.kind, i.number, i.status, s.number AS successor, ${isSettled('i')} AS "isSettled"
    FROM invoices i LEFT JOIN invoices s ON s.invoice_id = i.superseded_by
    WHERE i.invoice_id = ${invoiceId}::uuid
  `);
  if (found === null) return { outcome: 'unknown' };
  const { kind, number, status, successor } = found;
  if (status === 'void') return { outcome: 'unchanged' };
  if (status === 'superseded') {
    const reason = `invoice ${number} was replaced by ${successor}: void that one`;
    return { outcome: 'replaced', reason };
  }
  if (kind === 'adjustment_note') {
    const reason = `${number} is an adjustment note, which is final: a further note corrects it`;
    return { outcome: 'settled', reason };
  }
  if (found.isSettled) {
    const reason =
      `invoice ${number} is settled, because it has a payment or an adjustment note: correct it by a forced ` +
      'rerun, which issues an adjustment note, or by a credit';
    return { outcome: 'settled', reason };
  }
  return { outcome: 'possible' };
}

async function record(tx: Transaction, { invoiceId, actor, reason }: VoidRequest): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    WITH recorded AS (
      INSERT INTO invoice_status_changes (invoice_id, status, actor, reason)
      VALUES (${invoiceId}::uuid, 'void', ${actor}, ${reason})
    ), voided AS (
      UPDATE invoices SET status = 'void' WHERE invoice_id = ${invoiceId}::uuid
    ), ${tellingVoided(invoiceId, { actor, reason })}
    SELECT
  `);
}
