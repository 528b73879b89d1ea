import { z } from 'zod';
import type { Transaction } from '../pool.ts';
import { rowsAs, sql, textArray, uuidArray } from '../sql.ts';
import { tellingPaid } from '../webhooks/payment-events.ts';
import { PAYMENT_STATUSES } from './balances.ts';

/** What a payment is decided by, and the row that it becomes. */

/** A payment as an operator or a bank file gives it. */
export interface NewPayment {
  readonly paymentId: string;
  /** An invoice of the month that it pays for; a superseded one stands for its successor. */
  readonly invoiceNumber: string;
  /** In the invoice's currency, not 0. Negative: a reversal or a refund. */
  readonly amountCents: number;
  /** `2026-06-12` */
  readonly receivedOn: string;
  readonly method: string | null;
  readonly reference: string | null;
}

const namedDocument = z.object({
  number: z.string(),
  invoiceId: z.string(),
  tenantId: z.string(),
  periodStart: z.string(),
  /** Of an adjustment note: the invoice that it adjusts. */
  adjusts: z.string().nullable(),
});
/** The document whose number a payment names. */
export type NamedDocument = z.infer<typeof namedDocument>;

/** Returns the documents that these payments name, by number. */
export async function readNamed(
  tx: Transaction,
  payments: readonly NewPayment[],
): Promise<ReadonlyMap<string, NamedDocument>> {
  const numbers = [...new Set(payments.map(({ invoiceNumber }) => invoiceNumber))];
  const found = await tx.any(sql.type(namedDocument)`
    SELECT i.number, i.invoice_id AS "invoiceId", i.tenant_id AS "tenantId",
      i.period_start AS "periodStart", adjusted.number AS adjusts
    FROM invoices i LEFT JOIN invoices adjusted ON adjusted.invoice_id = i.adjusts_invoice_id
    WHERE i.number = ANY(${textArray(numbers)})
  `);
  return new Map(found.map((invoice) => [invoice.number, invoice]));
}

const standingInvoice = z.object({
  invoiceId: z.string(),
  tenantId: z.string(),
  periodStart: z.string(),
  number: z.string(),
  currency: z.string(),
  status: z.enum(['issued', 'void']),
  totalCents: z.number(),
  notesCents: z.number(),
  paidCents: z.number(),
});
/** The live invoice of a month, with what is paid. */
export type Standing = z.infer<typeof standingInvoice>;

/** Returns the key of a tenant's month. */
export function monthOf({
  tenantId,
  periodStart,
}: Pick<NamedDocument, 'tenantId' | 'periodStart'>): string {
  return `${tenantId} ${periodStart}`;
}

/** Locks the live invoices of the months of these, and returns them by tenant and month with what is paid. */
export async function lockStanding(
  tx: Transaction,
  named: readonly NamedDocument[],
): Promise<ReadonlyMap<string, Standing>> {
  const locked = await tx.anyFirst(sql.type(z.object({ invoiceId: z.string() }))`
    SELECT i.invoice_id AS "invoiceId" FROM invoices i
    WHERE (i.tenant_id, i.period_start) IN (
        SELECT n.tenant_id, n.period_start FROM invoices n
        WHERE n.invoice_id = ANY(${uuidArray(named.map(({ invoiceId }) => invoiceId))})
      ) AND i.kind = 'invoice' AND i.superseded_by IS NULL
    ORDER BY i.invoice_id FOR UPDATE
  `);
  // A separate statement, so that it sees what was committed while the locks were awaited.
  const found = await tx.any(sql.type(standingInvoice)`
    SELECT b.invoice_id AS "invoiceId", b.tenant_id AS "tenantId", b.period_start AS "periodStart",
      i.number, b.currency, b.status, b.total_cents AS "totalCents", b.notes_cents AS "notesCents",
      b.paid_cents AS "paidCents"
    FROM invoice_balances b JOIN invoices i USING (invoice_id)
    WHERE b.invoice_id = ANY(${uuidArray(locked)})
  `);
  return new Map(found.map((invoice) => [monthOf(invoice), invoice]));
}

/** Returns the content of stored payments with these ids, as `contentOf` returns it. */
export async function readStored(
  tx: Transaction,
  payments: readonly NewPayment[],
): Promise<Map<string, string>> {
  const stored = z.object({
    paymentId: z.string(),
    tenantId: z.string(),
    periodStart: z.string(),
    amountCents: z.number(),
    receivedOn: z.string(),
    method: z.string().nullable(),
    reference: z.string().nullable(),
  });
  const found = await tx.any(sql.type(stored)`
    SELECT payment_id AS "paymentId", tenant_id AS "tenantId", period_start AS "periodStart",
      amount_cents AS "amountCents", received_on AS "receivedOn", method, reference
    FROM payments WHERE payment_id = ANY(${textArray(payments.map(({ paymentId }) => paymentId))})
  `);
  return new Map(found.map((payment) => [payment.paymentId, contentOf(payment, payment)]));
}

/** Returns what a payment means: which month of a tenant it pays, whichever revision it names, and all else it says. */
export function contentOf(
  payment: Pick<NewPayment, 'amountCents' | 'receivedOn' | 'method' | 'reference'>,
  { tenantId, periodStart }: Pick<NamedDocument, 'tenantId' | 'periodStart'>,
): string {
  const { amountCents, receivedOn, method, reference } = payment;
  return JSON.stringify([tenantId, periodStart, amountCents, receivedOn, method, reference]);
}

/** Returns the last day that a payment can name: a bank may be a day ahead of the billing time zone. */
export function readLatestDate(tx: Transaction): Promise<string> {
  return tx.oneFirst(sql.type(z.object({ latest: z.string() }))`
    SELECT billing_date(now()) + 1 AS latest
  `);
}

/** Another transaction stored one of the ids. The next attempt finds it. */
export class RacedError extends Error {
  override readonly name = 'RacedError';
}

const PAYMENT = {
  paymentId: 'text',
  tenantId: 'text',
  periodStart: 'text',
  invoiceId: 'uuid',
  amountCents: 'int8',
  receivedOn: 'text',
  method: 'text',
  reference: 'text',
} as const;

/**
 * Inserts payments, and writes `invoice.paid` for each invoice that they pay in full.
 * @throws RacedError if one of the ids was stored concurrently
 */
export async function insertPayments(
  tx: Transaction,
  rows: readonly (NewPayment & NamedDocument)[],
  actor: string,
): Promise<void> {
  if (rows.length === 0) return;
  // In the order of the ids, so that two transactions that wait for each other's ids can't deadlock.
  const { rowCount } = await tx.query(sql.typeAlias('nothing')`
    INSERT INTO payments (payment_id, tenant_id, period_start, invoice_id, amount_cents, received_on,
      method, reference, actor)
    SELECT "paymentId", "tenantId", "periodStart"::date, "invoiceId", "amountCents", "receivedOn"::date,
      method, reference, ${actor}
    FROM ${rowsAs('p', PAYMENT, rows)} ORDER BY 1
    ON CONFLICT (payment_id) DO NOTHING
  `);
  if (rowCount !== rows.length) throw new RacedError('a payment id was stored concurrently');
  const changes = rowsAs('c', { paymentId: 'text' }, rows);
  // Later than the insert, because a statement doesn't see its own rows.
  await tx.query(sql.typeAlias('nothing')`
    WITH ${tellingPaid(sql.fragment`
      SELECT b.invoice_id, -sum(p.amount_cents) AS cents
      FROM ${changes} JOIN payments p ON p.payment_id = c."paymentId"
      JOIN invoice_balances b ON b.tenant_id = p.tenant_id AND b.period_start = p.period_start
      GROUP BY 1`)}
    SELECT
  `);
}

const balance = z.object({
  invoiceId: z.string(),
  balanceCents: z.number(),
  paymentStatus: z.enum(PAYMENT_STATUSES),
});

/** Returns what is owed on these invoices, by id. */
export async function readBalances(
  tx: Transaction,
  invoiceIds: readonly string[],
): Promise<ReadonlyMap<string, z.infer<typeof balance>>> {
  const found = await tx.any(sql.type(balance)`
    SELECT invoice_id AS "invoiceId", balance_cents AS "balanceCents", payment_status AS "paymentStatus"
    FROM invoice_balances WHERE invoice_id = ANY(${uuidArray(invoiceIds)})
  `);
  return new Map(found.map((one) => [one.invoiceId, one]));
}
