import { z } from 'zod';
import type { Queryable, Transaction } from '../pool.ts';
import { rowsAs, sql, textArray } from '../sql.ts';
import { lockTenants } from '../transactions.ts';

const numberedInvoice = z.object({
  number: z.string(),
  invoice_id: z.string(),
  period_start: z.string(),
  currency: z.string(),
  total_cents: z.number(),
  status: z.string(),
});
/** An invoice or adjustment note, as far as it can be compared with a list from outside. */
export type NumberedInvoice = z.infer<typeof numberedInvoice>;

/** Returns the invoices, superseded ones too, and adjustment notes with these numbers. */
export function findInvoicesByNumber(
  db: Queryable,
  numbers: readonly string[],
): Promise<readonly NumberedInvoice[]> {
  return db.any(sql.type(numberedInvoice)`
    SELECT number, invoice_id, period_start, currency, total_cents, status
    FROM invoices WHERE number = ANY(${textArray(numbers)})
  `);
}

/** The series of a tenant's numbers. Adjustment notes have their own. */
export const NUMBER_SERIES = ['invoice', 'adjustment_note'] as const;
export type NumberSeries = (typeof NUMBER_SERIES)[number];

/** The digits of the number of a row `n` with a `seq`: six, or as many as it has. */
export const DIGITS_OF_NUMBER = sql.fragment`lpad(n.seq::text, greatest(6, length(n.seq::text)), '0')`;

const lastNumber = z.object({
  tenant_id: z.string(),
  kind: z.enum(NUMBER_SERIES),
  /** The last number, issued or skipped. */
  last_seq: z.number(),
});

/** Returns the last number of each series of these tenants that exist. */
export function readLastNumbers(
  db: Queryable,
  tenantIds: readonly string[],
): Promise<readonly z.infer<typeof lastNumber>[]> {
  return db.any(sql.type(lastNumber)`
    SELECT tenant_id, series.kind, series.last_seq FROM tenants
    CROSS JOIN LATERAL (VALUES ('invoice', last_invoice_seq), ('adjustment_note', last_note_seq))
      AS series (kind, last_seq)
    WHERE tenant_id = ANY(${textArray(tenantIds)})
  `);
}

const skippedNumbers = z.object({
  tenant_id: z.string(),
  kind: z.enum(NUMBER_SERIES),
  first_seq: z.number(),
  last_seq: z.number(),
});
/** A range of a tenant's numbers, both ends included. */
export type SkippedNumbers = z.infer<typeof skippedNumbers>;

/** A number of a tenant's series. */
export interface NumberOfSeries {
  readonly tenantId: string;
  readonly kind: NumberSeries;
  readonly seq: number;
}

/**
 * Skips the next numbers of each series up to and including `seq`, and records them. Numbers up to the series' last one
 * are not touched: the last number never goes down.
 * @param upTo at most one number for each series
 * @returns the numbers that were skipped now
 */
export async function skipNumbers(
  tx: Transaction,
  upTo: readonly NumberOfSeries[],
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<readonly SkippedNumbers[]> {
  if (upTo.length === 0) return [];
  await lockTenants(
    tx,
    upTo.map(({ tenantId }) => tenantId),
  );
  const asked = rowsAs(
    'asked',
    { tenantId: 'text', kind: 'text', seq: 'int8' },
    upTo.map(({ tenantId, kind, seq }) => ({ tenantId, kind, seq })),
  );
  const skipped = await tx.any(sql.type(skippedNumbers)`
    INSERT INTO skipped_invoice_numbers (tenant_id, kind, first_seq, last_seq, actor, reason)
    SELECT t.tenant_id, asked.kind, last.seq + 1, asked.seq, ${actor}, ${reason}
    FROM ${asked} JOIN tenants t ON t.tenant_id = asked."tenantId"
    CROSS JOIN LATERAL (
      SELECT CASE asked.kind WHEN 'invoice' THEN t.last_invoice_seq ELSE t.last_note_seq END AS seq
    ) last
    WHERE asked.seq > last.seq
    ORDER BY t.tenant_id, asked.kind DESC
    RETURNING tenant_id, kind, first_seq, last_seq
  `);
  await tx.query(sql.typeAlias('nothing')`
    UPDATE tenants t SET last_invoice_seq = greatest(t.last_invoice_seq, a.invoice_seq),
      last_note_seq = greatest(t.last_note_seq, a.note_seq)
    FROM (
      SELECT "tenantId", max(seq) FILTER (WHERE kind = 'invoice') AS invoice_seq,
        max(seq) FILTER (WHERE kind = 'adjustment_note') AS note_seq
      FROM ${asked} GROUP BY "tenantId"
    ) a
    WHERE t.tenant_id = a."tenantId"
  `);
  return skipped;
}
