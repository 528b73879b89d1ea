import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import type { FreeItem } from '../../domain/invoice-items.ts';
import type { Period } from '../../domain/period.ts';
import { IS_UNBILLED } from '../month-end/unbilled-items.ts';
import { sql } from '../sql.ts';

/** What of invoice items an invoice of a period can take (docs/spec.md#invoice-items). */

/** Items as {@link freeItems} selects them, in the domain's terms. */
export const freeItemsSchema = z.custom<readonly FreeItem[]>((value) => Array.isArray(value));

/**
 * Selects the items that an invoice of the period can take, as a JSON array by month and then in the order in which they
 * were recorded: what no other live invoice takes, and what the invoice that it replaces takes.
 * @param replaces a column with the id of that invoice, which stands until then; null: none
 */
export function freeItems(
  { periodStart }: Period,
  tenantId: FragmentSqlToken,
  replaces: FragmentSqlToken,
) {
  return sql.fragment`(
    SELECT coalesce(json_agg(json_build_object('itemId', it.item_id,
      'month', to_char(it.period_start, 'YYYY-MM'), 'description', it.description,
      'amountCents', it.amount_cents, 'taxable', it.taxable,
      'freeCents', it.amount_cents - it.applied_cents + coalesce(own.amount_cents, 0)
    ) ORDER BY it.period_start, it.item_seq), '[]')
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
