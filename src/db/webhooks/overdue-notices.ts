import { z } from 'zod';
import { sql } from '../sql.ts';
import type { Database } from '../pool.ts';
import { standsUnvoided } from '../standing.ts';
import { tellingOverdue } from './payment-events.ts';

/** Invoices per statement, so that one transaction stays short. */
const BATCH = 500;

const place = z.object({ tenant_id: z.string(), period_start: z.string() });
const batch = z.object({
  noticed: z.number(),
  /** The last invoice that was looked at; null: there is none left. */
  last: place.nullable(),
});

/**
 * Writes `invoice.overdue` for invoices that are past their due date and not paid in full, once per invoice: the insert
 * of the notice is the check, so it can run again at any time, also concurrently
 * (docs/spec.md#due-dates-and-payments).
 *
 * Goes through the live invoices once, in the order of an index. Balances are computed only of those that were not
 * reported and can be due. Paid ones are among them: a reversal can make each of them overdue again.
 * @returns how many invoices were reported
 */
export async function noticeOverdueInvoices(db: Database): Promise<number> {
  let count = 0;
  let after: z.infer<typeof place> | null = null;
  do {
    const { noticed, last }: z.infer<typeof batch> = await noticeBatch(db, after);
    count += noticed;
    after = last;
  } while (after !== null);
  return count;
}

function noticeBatch(
  db: Database,
  after: z.infer<typeof place> | null,
): Promise<z.infer<typeof batch>> {
  const isNext =
    after === null
      ? sql.fragment`true`
      : sql.fragment`(i.tenant_id, i.period_start) > (${after.tenant_id}, ${after.period_start}::date)`;
  return db.one(sql.type(batch)`
    WITH page AS MATERIALIZED (
      -- It may be due later than this, because of its release.
      SELECT i.tenant_id, i.period_start, i.invoice_id, i.issued_on + i.payment_days AS earliest_due_on
      FROM invoices i WHERE ${isNext} AND ${standsUnvoided('i')}
      ORDER BY i.tenant_id, i.period_start LIMIT ${BATCH}
    ), noticed AS (
      INSERT INTO overdue_notices (invoice_id, due_on)
      SELECT b.invoice_id, b.due_on FROM page JOIN invoice_balances b USING (invoice_id)
      WHERE page.earliest_due_on < billing_date(now())
        AND NOT EXISTS (SELECT FROM overdue_notices n WHERE n.invoice_id = page.invoice_id)
        AND b.due_on < billing_date(now()) AND b.balance_cents > 0
      ORDER BY 1
      ON CONFLICT (invoice_id) DO NOTHING
      RETURNING invoice_id
    ), ${tellingOverdue(sql.fragment`noticed`)}
    SELECT (SELECT count(*) FROM noticed) AS noticed, (
      SELECT jsonb_build_object('tenant_id', tenant_id, 'period_start', period_start) FROM page
      ORDER BY page.tenant_id DESC, page.period_start DESC LIMIT 1
    ) AS last
  `);
}
