import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import type { FreeItem } from '../../domain/invoice-items.ts';
import type { Period } from '../../domain/period.ts';
import { sql, type PeriodBounds } from '../sql.ts';

/** Invoice items that no invoice takes, or only a part of, and what an invoice can take of them (docs/spec.md#invoice-items). */

/** Condition on an item `it`: live invoices don't take all of it. The partial index has the same condition. */
const IS_UNBILLED = sql.fragment`
  it.withdrawn_at IS NULL AND it.applied_cents <> it.amount_cents`;

/**
 * Returns the condition that a tenant has an unbilled item of the period or of an earlier month.
 * @param tenantId a column
 */
export function hasUnbilledItem(
  { periodStart }: Pick<PeriodBounds, 'periodStart'>,
  tenantId: FragmentSqlToken,
) {
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

/** Items as {@link freeItemsOf} selects them, in the domain's terms. */
export const freeItemsSchema = z.custom<readonly FreeItem[]>((value) => Array.isArray(value));

/**
 * Selects items `it` as a JSON array by month and then in the order in which they were recorded.
 * @param freeCents what of an item's amount an invoice can take
 */
export function freeItemsOf(freeCents: FragmentSqlToken) {
  return sql.fragment`coalesce(json_agg(json_build_object('itemId', it.item_id,
      'month', to_char(it.period_start, 'YYYY-MM'), 'description', it.description,
      'amountCents', it.amount_cents, 'taxable', it.taxable,
      'freeCents', ${freeCents}
    ) ORDER BY it.period_start, it.item_seq), '[]')`;
}

/**
 * Selects the items that a first invoice of the period can take, as a JSON array by month and then in the order in which
 * they were recorded: what no live invoice takes.
 */
export function freeItems({ periodStart }: Period, tenantId: FragmentSqlToken) {
  return sql.fragment`(
    SELECT ${freeItemsOf(sql.fragment`it.amount_cents - it.applied_cents`)}
    FROM invoice_items it
    WHERE it.tenant_id = ${tenantId} AND it.period_start <= ${periodStart} AND ${IS_UNBILLED}
  )`;
}

/**
 * Selects the items that a revision, or a first invoice, can take, like {@link freeItems}: also what the invoice that it
 * replaces takes.
 * @param replaces a column with the id of that invoice, which stands until then; null for a first invoice
 */
export function freeItemsAfter(
  { periodStart }: Period,
  tenantId: FragmentSqlToken,
  replaces: FragmentSqlToken,
) {
  const free = sql.fragment`it.amount_cents - it.applied_cents + coalesce(own.amount_cents, 0)`;
  return sql.fragment`(
    SELECT ${freeItemsOf(free)}
    FROM (
      SELECT it.item_id FROM invoice_items it
      WHERE it.tenant_id = ${tenantId} AND it.period_start <= ${periodStart} AND ${IS_UNBILLED}
      UNION
      SELECT l.item_id FROM invoice_lines l WHERE l.invoice_id = ${replaces} AND l.item_id IS NOT NULL
    ) takeable JOIN invoice_items it USING (item_id)
    LEFT JOIN invoice_lines own ON own.invoice_id = ${replaces} AND own.item_id = it.item_id
      AND own.item_id IS NOT NULL
  )`;
}
