import { sql } from './sql.ts';

/**
 * What the release of a period says about its invoices (docs/spec.md#release), as SQL on an alias of `invoices`. Each
 * looks up one row of `releases` by its key.
 */

/** Condition: the tenant can see it, and so webhooks may name it. */
export function isReleased(alias: string) {
  return sql.fragment`EXISTS (SELECT FROM ${releaseOf(alias)})`;
}

/** When its period was released; null before. */
export function releasedAt(alias: string) {
  return sql.fragment`(SELECT r.released_at FROM ${releaseOf(alias)})`;
}

/** The invoice's due date, in the billing time zone; null before the release, and for adjustment notes. */
export function dueOn(alias: string) {
  const column = (name: string) => sql.identifier([alias, name]);
  return sql.fragment`(
    SELECT invoice_due_on(${column('issued_on')}, r.released_on, ${column('payment_days')})
    FROM ${releaseOf(alias)} AND ${column('kind')} = 'invoice')`;
}

function releaseOf(alias: string) {
  const column = (name: string) => sql.identifier([alias, name]);
  return sql.fragment`releases r
    WHERE r.tenant_id = ${column('tenant_id')} AND r.period_start = ${column('period_start')}`;
}
