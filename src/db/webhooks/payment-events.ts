import type { FragmentSqlToken } from 'slonik';
import { isReleased } from '../release-facts.ts';
import { sql, uuidArray } from '../sql.ts';
import { eventsOf, invoiceData, telling } from './outbox-events.ts';

/** Events about what is owed on invoices (docs/spec.md#due-dates-and-payments). */

/** Returns parts of a WITH that write `invoice.paid` for payments. @param changes see `paidEvents` */
export function tellingPaid(changes: FragmentSqlToken) {
  return telling([paidEvents(changes)]);
}

/** Selects the events `invoice.paid` that those of these documents cause that are adjustment notes. */
export function paidByNotes(documentIds: readonly string[]) {
  return paidEvents(sql.fragment`
    SELECT n.adjusts_invoice_id AS invoice_id, sum(n.total_cents) AS cents FROM invoices n
    WHERE n.invoice_id = ANY(${uuidArray(documentIds)}) AND n.kind = 'adjustment_note' GROUP BY 1`);
}

/** Selects the events `invoice.paid` of invoices that were paid before their release, which is now. */
export function paidBeforeRelease(documentIds: readonly string[]) {
  return balanceEvents(
    'invoice.paid',
    sql.fragment`invoice_balances b`,
    sql.fragment`b.invoice_id = ANY(${uuidArray(documentIds)}) AND b.balance_cents <= 0 AND b.is_settled`,
  );
}

/**
 * Returns parts of a WITH that write `invoice.overdue`.
 * @param noticed a part of the same WITH that returns the `invoice_id` of each invoice to report
 */
export function tellingOverdue(noticed: FragmentSqlToken) {
  return telling([
    balanceEvents(
      'invoice.overdue',
      sql.fragment`${noticed} JOIN invoice_balances b USING (invoice_id)`,
      sql.fragment`true`,
    ),
  ]);
}

/**
 * Selects the events `invoice.paid`: of released invoices whose balance these changes took from above 0 to 0 or below.
 * @param changes a SELECT of `invoice_id` and `cents`, by how much the balance of each invoice has changed in this
 * transaction. An earlier statement must have made the changes: a statement doesn't see its own rows
 */
function paidEvents(changes: FragmentSqlToken) {
  return balanceEvents(
    'invoice.paid',
    sql.fragment`(${changes}) c JOIN invoice_balances b USING (invoice_id)`,
    sql.fragment`b.balance_cents <= 0 AND b.balance_cents - c.cents > 0 AND ${isReleased('i')}`,
  );
}

/** @param from tables with a row `b` of `invoice_balances`. Conditions can also use its invoice `i` */
function balanceEvents(
  type: 'invoice.paid' | 'invoice.overdue',
  from: FragmentSqlToken,
  where: FragmentSqlToken,
) {
  return eventsOf(
    type,
    sql.fragment`i.tenant_id`,
    sql.fragment`jsonb_build_object(${invoiceData('i')}, 'due_on', b.due_on,
      'notes_cents', b.notes_cents, 'paid_cents', b.paid_cents, 'balance_cents', b.balance_cents)`,
    sql.fragment`FROM ${from} JOIN invoices i USING (invoice_id) WHERE ${where}`,
  );
}
