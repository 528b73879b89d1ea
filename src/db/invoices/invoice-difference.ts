import { z } from 'zod';
import { invoiceLineSchema } from './invoice-views.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

export const lineChangeSchema = z.object({
  change: z.enum(['added', 'removed', 'changed']),
  before: invoiceLineSchema.nullable().describe('Null where the line was added.'),
  after: invoiceLineSchema.nullable().describe('Null where the line was removed.'),
  difference_cents: z.int(),
});
/** One line's difference between a revision and the invoice that it replaces, as the API serves it. */
export type LineChangeView = z.infer<typeof lineChangeSchema>;

const row = lineChangeSchema.omit({ difference_cents: true }).extend({
  before: invoiceLineSchema.nullable(),
  after: invoiceLineSchema.nullable(),
});

/**
 * Returns the stored differences between a revision and the invoice that it replaced; empty if there are no
 * differences.
 */
export async function readDifference(
  db: Queryable,
  invoiceId: string,
): Promise<readonly LineChangeView[]> {
  const rows = await db.any(sql.type(row)`
    SELECT c.change, ${lineJson('b')} AS before, ${lineJson('a')} AS after
    FROM invoice_line_changes c
    LEFT JOIN invoice_lines b
      ON (b.invoice_id, b.line_no) = (c.replaced_invoice_id, c.replaced_line_no)
    LEFT JOIN invoice_lines a ON (a.invoice_id, a.line_no) = (c.invoice_id, c.line_no)
    WHERE c.invoice_id = ${invoiceId}::uuid ORDER BY c.change_no
  `);
  return rows.map((change) => ({
    ...change,
    difference_cents: (change.after?.amount_cents ?? 0) - (change.before?.amount_cents ?? 0),
  }));
}

function lineJson(alias: 'a' | 'b') {
  const column = (name: string) => sql.identifier([alias, name]);
  // Quantities and prices as text, because numbers inside JSON would become floats.
  return sql.fragment`CASE WHEN ${column('invoice_id')} IS NOT NULL THEN jsonb_build_object(
    'line_no', ${column('line_no')}, 'deployment_id', ${column('deployment_id')},
    'kind', ${column('kind')}, 'resource_kind', ${column('resource_kind')},
    'description', ${column('description')}, 'qty', trim_scale(${column('qty')})::text,
    'unit', ${column('unit')}, 'unit_price_cents', trim_scale(${column('unit_price_cents')})::text,
    'amount_cents', ${column('amount_cents')}, 'taxable', ${column('taxable')},
    'item_id', ${column('item_id')}, 'meta', ${column('meta')}) END`;
}
