import type { Period } from '../../domain/period.ts';
import { sql } from '../sql.ts';
import { standsUnvoided } from '../standing.ts';
import { TAX_OF_NOTE } from '../tax/invoice-tax.ts';
import type { Check } from './verification-check.ts';
import { numbersWithoutGaps } from './verification-numbers.ts';

/** Returns the checks of a month's adjustment notes, beside those that they share with invoices. */
export function noteChecksOf(period: Period): readonly Check[] {
  const { periodStart } = period;
  return [
    numbersWithoutGaps(period, 'adjustment_note'),
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
