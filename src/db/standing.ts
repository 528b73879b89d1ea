import { sql } from './sql.ts';

/**
 * Conditions on rows of `invoices`, which are invoices and adjustment notes (ADR 30). A query on `invoices` says which
 * of them it means: by one of these conditions, by `kind`, or, if it means documents of both kinds, by neither.
 */

function columnsOf(alias: string) {
  return (name: string) => sql.identifier([alias, name]);
}

/**
 * Condition: the live invoice for its tenant and period, issued or void. There is at most one
 * (`invoices_one_live`), and it is the one that a forced rerun replaces or adjusts.
 */
export function stands(alias: string) {
  const column = columnsOf(alias);
  return sql.fragment`(${column('kind')} = 'invoice' AND ${column('superseded_by')} IS NULL)`;
}

/** Condition: the live invoice, and it isn't void. Its notes are not part of it. */
export function standsUnvoided(alias: string) {
  return sql.fragment`(${stands(alias)} AND ${columnsOf(alias)('status')} <> 'void')`;
}

/** Condition: a document that nothing has replaced: a live invoice, or an adjustment note. */
export function isInForce(alias: string) {
  return sql.fragment`(${columnsOf(alias)('superseded_by')} IS NULL)`;
}

/**
 * Condition: the invoice is settled (docs/spec.md#settled): forcing its period makes an adjustment note, and it can't be
 * voided. Decide by it only in a statement after the one that locked the invoice, which then sees what was committed
 * while the lock was awaited.
 */
export function isSettled(alias: string) {
  const column = columnsOf(alias);
  return sql.fragment`(EXISTS (
    SELECT FROM payments payment
    WHERE payment.tenant_id = ${column('tenant_id')} AND payment.period_start = ${column('period_start')}
  ) OR EXISTS (
    SELECT FROM invoices note WHERE note.adjusts_invoice_id = ${column('invoice_id')}
  ))`;
}

/** Condition on an invoice: a forced rerun has issued an adjustment note of it. */
export function isAdjusted(alias: string) {
  return sql.fragment`EXISTS (
    SELECT FROM invoices note
    WHERE note.adjusts_invoice_id = ${columnsOf(alias)('invoice_id')} AND note.note_origin = 'rerun'
  )`;
}

/** Selects the id of the invoice that a document is about: itself, or the one that a note adjusts. */
export function invoiceOf(alias: string) {
  const column = columnsOf(alias);
  return sql.fragment`coalesce(${column('adjusts_invoice_id')}, ${column('invoice_id')})`;
}

/**
 * Condition on `usage_exclusions`: a document leaves the event out. That is the one that holds its bucket, or a note of
 * the same invoice, because exclusions move with the usage.
 */
export function isApplied(alias: string) {
  return sql.fragment`EXISTS (
    SELECT FROM invoices applied WHERE applied.invoice_id = ${columnsOf(alias)('applied_to')}
  )`;
}
