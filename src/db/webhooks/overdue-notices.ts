import { z } from 'zod';
import { sql } from '../sql.ts';
import type { Database } from '../pool.ts';
import { tellingOverdue } from './payment-events.ts';

/** Invoices per statement, so that one transaction stays short. */
const BATCH = 500;

/**
 * Writes `invoice.overdue` for invoices that are past their due date and not paid in full, once per invoice: the insert
 * of the notice is the check, so it can run again at any time, also concurrently
 * (docs/spec.md#due-dates-and-payments).
 * @returns how many invoices were reported
 */
export async function noticeOverdueInvoices(db: Database): Promise<number> {
  let count = 0;
  for (;;) {
    const noticed = await db.anyFirst(sql.type(z.object({ invoice_id: z.string() }))`
      WITH overdue AS (
        SELECT b.invoice_id, b.due_on FROM invoice_balances b
        WHERE b.due_on < billing_date(now()) AND b.balance_cents > 0
          AND NOT EXISTS (SELECT FROM overdue_notices n WHERE n.invoice_id = b.invoice_id)
        LIMIT ${BATCH}
      ), noticed AS (
        INSERT INTO overdue_notices (invoice_id, due_on)
        SELECT invoice_id, due_on FROM overdue ORDER BY 1
        ON CONFLICT (invoice_id) DO NOTHING
        RETURNING invoice_id
      ), ${tellingOverdue(sql.fragment`noticed`)}
      SELECT invoice_id FROM noticed
    `);
    count += noticed.length;
    if (noticed.length < BATCH) return count;
  }
}
