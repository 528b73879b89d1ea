import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { INVOICE_STATUSES } from './invoice-views.ts';

/** Finds invoices and adjustment notes by their number. */

const found = z.object({
  id: z.string(),
  kind: z.enum(['invoice', 'adjustment_note']),
  number: z.string(),
  tenant_id: z.string(),
  name: z.string(),
  period_start: z.string(),
  status: z.enum(INVOICE_STATUSES),
  currency: z.string(),
  total_cents: z.number(),
});
/** An invoice or an adjustment note, as a search result. */
export type FoundDocument = z.infer<typeof found>;

/** Sorts after every character of a number. */
const LAST = '\u{10FFFF}';

/**
 * Returns the documents whose number begins with a text, ordered by number; a number itself comes first. Compares bytes,
 * as their index does.
 * @param limit maximum number of documents
 */
export function findDocuments(
  db: Queryable,
  beginning: string,
  limit: number,
): Promise<readonly FoundDocument[]> {
  return db.any(sql.type(found)`
    SELECT i.invoice_id AS id, i.kind, i.number, i.tenant_id, t.name, i.period_start, i.status, i.currency,
      i.total_cents
    FROM (
      SELECT * FROM invoices
      WHERE number ~>=~ ${beginning} AND number ~<~ ${`${beginning}${LAST}`}
      ORDER BY number USING ~<~ LIMIT ${limit}
    ) i JOIN tenants t USING (tenant_id)
    ORDER BY i.number USING ~<~
  `);
}
