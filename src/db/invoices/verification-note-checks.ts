import type { Period } from '../../domain/period.ts';
import { sql } from '../sql.ts';
import { standsUnvoided } from '../standing.ts';
import { TAX_OF_NOTE } from '../tax/invoice-tax.ts';
import type { Check } from './verification-check.ts';

/** Returns the checks of a month's adjustment notes, beside those that they share with invoices. */
export function noteChecksOf({ periodStart }: Period): readonly Check[] {
  return [
    {
      id: 'note_numbers_without_gaps',
      invariant: 'I1',
      claim:
        "each tenant's adjustment notes are numbered from 1 without a gap, except for skips on record",
      problems: sql.fragment`
        SELECT t.tenant_id || ' has ' || n.notes || ' adjustment notes numbered ' ||
          coalesce(n.low || ' to ' || n.high, 'nothing') ||
          CASE WHEN s.skipped > 0 THEN ' and skipped ' || s.skipped ELSE '' END ||
          '; its last number is ' || t.last_note_seq AS problem
        FROM tenants t
        CROSS JOIN LATERAL (
          SELECT count(*) AS notes, min(tenant_seq) AS low, max(tenant_seq) AS high FROM invoices
          WHERE tenant_id = t.tenant_id AND kind = 'adjustment_note'
        ) n
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(last_seq - first_seq + 1), 0) AS skipped, min(first_seq) AS low, max(last_seq) AS high
          FROM skipped_invoice_numbers WHERE tenant_id = t.tenant_id AND kind = 'adjustment_note'
        ) s
        WHERE t.tenant_id IN (SELECT tenant_id FROM invoices WHERE period_start = ${periodStart})
          AND (t.last_note_seq <> n.notes + s.skipped OR least(n.low, s.low) <> 1
            OR greatest(n.high, s.high) <> n.notes + s.skipped
            -- Otherwise a skip on record could make up for a gap elsewhere.
            OR EXISTS (
              SELECT FROM skipped_invoice_numbers k JOIN invoices issued USING (tenant_id, kind)
              WHERE k.tenant_id = t.tenant_id AND k.kind = 'adjustment_note'
                AND issued.tenant_seq BETWEEN k.first_seq AND k.last_seq
            ))`,
    },
    {
      id: 'notes_linked',
      invariant: 'I4',
      claim:
        'adjustment notes adjust the live invoice of their tenant and month, and are numbered from 1 in its order',
      problems: sql.fragment`
        SELECT 'adjustment note ' || n.number || ' is not note ' || n.revision || ' of a live invoice of its month' AS problem
        FROM invoices n LEFT JOIN invoices i ON i.invoice_id = n.adjusts_invoice_id
        WHERE n.period_start = ${periodStart} AND n.kind = 'adjustment_note' AND (
          (i.tenant_id, i.period_start, i.currency) IS DISTINCT FROM (n.tenant_id, n.period_start, n.currency)
          OR NOT ${standsUnvoided('i')}
          OR n.revision <> (
            SELECT count(*) FROM invoices e
            WHERE e.adjusts_invoice_id = n.adjusts_invoice_id AND e.revision <= n.revision))`,
    },
    {
      id: 'notes_taxed',
      invariant: 'I3',
      claim:
        'each adjustment note brings the tax to that of what its invoice and notes charge together',
      problems: sql.fragment`
        SELECT 'adjustment note ' || i.number || ' has tax of ' || i.tax_cents || ' instead of ' || ${TAX_OF_NOTE} ||
          ' (minor units of ' || i.currency || ')' AS problem
        FROM invoices i
        WHERE i.period_start = ${periodStart} AND i.kind = 'adjustment_note' AND i.tax_cents <> ${TAX_OF_NOTE}`,
    },
  ];
}
