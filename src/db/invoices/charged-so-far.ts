import { z } from 'zod';
import type { ChargedSoFar } from '../../domain/adjustment.ts';
import { sql } from '../sql.ts';

/** What an invoice and all its adjustment notes have charged so far (docs/spec.md#adjustment-notes). */
export const chargedSoFar = z.object({
  /** The notes that reruns made, in order. */
  rerunIds: z.array(z.string()),
  /** Of the invoice and all its notes, credits included. */
  taxableCents: z.number(),
  taxCents: z.number(),
  totalCents: z.number(),
  audRate: z.object({ rate: z.string(), source: z.string() }).nullable(),
}) satisfies z.ZodType<ChargedSoFar>;

/**
 * Selects {@link chargedSoFar} as a JSON object. The exchange rate is that of the first document that has one, because
 * notes keep the rate of their invoice.
 * @param invoice alias of `invoices`, whose row is an invoice
 */
export function chargedSoFarOf(invoice: string) {
  const id = sql.identifier([invoice, 'invoice_id']);
  return sql.fragment`(
    SELECT jsonb_build_object(
      'rerunIds', coalesce(jsonb_agg(each.invoice_id ORDER BY each.revision)
        FILTER (WHERE each.note_origin = 'rerun'), '[]'),
      'taxableCents', sum(each.taxable_cents), 'taxCents', sum(each.tax_cents),
      'totalCents', sum(each.total_cents),
      -- Rates as text, because numbers inside JSON would become floats.
      'audRate', (array_agg(jsonb_build_object('rate', each.aud_rate::text, 'source', each.aud_rate_source)
        ORDER BY each.kind DESC, each.revision) FILTER (WHERE each.aud_rate IS NOT NULL))[1])
    FROM invoices each WHERE each.invoice_id = ${id} OR each.adjusts_invoice_id = ${id}
  )`;
}
