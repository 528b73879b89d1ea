import type { FragmentSqlToken } from 'slonik';
import type { Period } from '../../domain/period.ts';
import { sql } from '../sql.ts';

/** Conditions on invoice items that no invoice takes, or only a part of (docs/spec.md#invoice-items). */

/** Condition on an item `it`: live invoices don't take all of it. The partial index has the same condition. */
export const IS_UNBILLED = sql.fragment`
  it.withdrawn_at IS NULL AND it.applied_cents <> it.amount_cents`;

/**
 * Returns the condition that a tenant has an unbilled item of the period or of an earlier month.
 * @param tenantId a column
 */
export function hasUnbilledItem({ periodStart }: Period, tenantId: FragmentSqlToken) {
  return sql.fragment`EXISTS (
    SELECT FROM invoice_items it
    WHERE it.tenant_id = ${tenantId} AND it.period_start <= ${periodStart} AND ${IS_UNBILLED} OFFSET 0
  )`;
}

/**
 * Returns the condition that a tenant has a charge of the period that no invoice takes, and that the period's next run
 * would bill. Credits don't count, because they can wait for charges. Nor do earlier months: any later invoice takes
 * their items.
 * @param tenantId a column
 */
export function hasChargeToBill({ periodStart }: Period, tenantId: FragmentSqlToken) {
  return sql.fragment`EXISTS (
    SELECT FROM invoice_items it
    WHERE it.tenant_id = ${tenantId} AND it.period_start = ${periodStart} AND ${IS_UNBILLED}
      AND it.amount_cents > 0 OFFSET 0
  )`;
}
