import type { Period } from '../../domain/period.ts';
import { sql } from '../sql.ts';
import type { NumberSeries } from './invoice-numbers.ts';
import type { Check } from './verification-check.ts';

const SERIES = {
  invoice: {
    id: 'numbers_without_gaps',
    claim: "each tenant's invoice numbers run from 1 without a gap, except for skips on record",
    documents: sql.fragment`' invoices'`,
    lastNumber: sql.fragment`t.last_invoice_seq`,
  },
  adjustment_note: {
    id: 'note_numbers_without_gaps',
    claim:
      "each tenant's adjustment notes are numbered from 1 without a gap, except for skips on record",
    documents: sql.fragment`' adjustment notes'`,
    lastNumber: sql.fragment`t.last_note_seq`,
  },
} as const;

/** Returns the check that a series of numbers has no gap, for each tenant with a document of the month. */
export function numbersWithoutGaps({ periodStart }: Period, kind: NumberSeries): Check {
  const { id, claim, documents, lastNumber } = SERIES[kind];
  return {
    id,
    invariant: 'I1',
    claim,
    problems: sql.fragment`
      SELECT t.tenant_id || ' has ' || d.n || ${documents} || ' numbered ' ||
        coalesce(d.low || ' to ' || d.high, 'nothing') ||
        CASE WHEN s.n > 0 THEN ' and skipped ' || s.n ELSE '' END ||
        '; its last number is ' || ${lastNumber} AS problem
      FROM tenants t
      CROSS JOIN LATERAL (
        SELECT count(*) AS n, min(tenant_seq) AS low, max(tenant_seq) AS high FROM invoices
        WHERE tenant_id = t.tenant_id AND kind = ${kind}
      ) d
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(last_seq - first_seq + 1), 0) AS n, min(first_seq) AS low, max(last_seq) AS high
        FROM skipped_invoice_numbers WHERE tenant_id = t.tenant_id AND kind = ${kind}
      ) s
      WHERE t.tenant_id IN (SELECT tenant_id FROM invoices WHERE period_start = ${periodStart})
        AND (${lastNumber} <> d.n + s.n OR least(d.low, s.low) <> 1 OR greatest(d.high, s.high) <> d.n + s.n
          -- Otherwise a skip on record could make up for a gap elsewhere.
          OR EXISTS (
            SELECT FROM skipped_invoice_numbers k JOIN invoices issued USING (tenant_id, kind)
            WHERE k.tenant_id = t.tenant_id AND k.kind = ${kind}
              AND issued.tenant_seq BETWEEN k.first_seq AND k.last_seq
          ))`,
  };
}
