import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { type Page, allOf, sql } from '../sql.ts';
import type { InvoiceReader } from './invoice-views.ts';

/** A payment as the API and the CLI show it. */
export const paymentSchema = z.object({
  payment_id: z.string(),
  tenant_id: z.string(),
  period_start: z.iso.date(),
  invoice_id: z.uuid().describe('The invoice that the payment named.'),
  invoice_number: z.string(),
  currency: z.string(),
  amount_cents: z.int().describe('Negative: a reversal or a refund.'),
  received_on: z.iso.date(),
  method: z.string().nullable(),
  reference: z.string().nullable(),
  actor: z.string().nullable().describe("Who recorded it. Not for tenants' keys."),
  recorded_at: z.iso.datetime(),
});
export type PaymentView = z.infer<typeof paymentSchema>;

export interface PaymentFilter {
  readonly tenantId?: string | undefined;
  /** First day of the period of the paid invoices. */
  readonly periodStart?: string | undefined;
  /** Payments of this invoice's month, whichever revision they name. */
  readonly invoiceNumber?: string | undefined;
  /** Inclusive, as is `receivedTo`. */
  readonly receivedFrom?: string | undefined;
  readonly receivedTo?: string | undefined;
}

/** The last payment of a page. */
export type PaymentKey = Pick<PaymentView, 'recorded_at' | 'payment_id'>;

/** Returns a page of payments, latest recorded first. The database role of tenants' keys can't read `actor`. */
export function listPayments(
  db: Queryable,
  filter: PaymentFilter,
  { after, limit }: Page<PaymentKey>,
  reader: InvoiceReader = 'operator',
): Promise<readonly PaymentView[]> {
  const { tenantId, periodStart, invoiceNumber, receivedFrom, receivedTo } = filter;
  const conditions = [
    tenantId !== undefined && sql.fragment`p.tenant_id = ${tenantId}`,
    periodStart !== undefined && sql.fragment`p.period_start = ${periodStart}::date`,
    invoiceNumber !== undefined &&
      sql.fragment`(p.tenant_id, p.period_start) IN (
        SELECT n.tenant_id, n.period_start FROM invoices n WHERE n.number = ${invoiceNumber})`,
    receivedFrom !== undefined && sql.fragment`p.received_on >= ${receivedFrom}::date`,
    receivedTo !== undefined && sql.fragment`p.received_on <= ${receivedTo}::date`,
    after !== null &&
      sql.fragment`(p.recorded_at, p.payment_id) < (${after.recorded_at}::timestamptz, ${after.payment_id})`,
  ];
  return db.any(sql.type(paymentSchema)`
    SELECT p.payment_id, p.tenant_id, p.period_start, p.invoice_id, i.number AS invoice_number, i.currency,
      p.amount_cents, p.received_on, p.method, p.reference,
      ${reader === 'operator' ? sql.fragment`p.actor` : sql.fragment`NULL`} AS actor, p.recorded_at
    FROM payments p JOIN invoices i USING (invoice_id)
    WHERE ${allOf(conditions)}
    ORDER BY p.recorded_at DESC, p.payment_id DESC LIMIT ${limit}
  `);
}

/** Whether a payment with this id is recorded. */
export function isPaymentRecorded(db: Queryable, paymentId: string): Promise<boolean> {
  return db.exists(sql.typeAlias('nothing')`SELECT FROM payments WHERE payment_id = ${paymentId}`);
}

/** Returns the number of payments for a tenant's month, whichever revision they name. */
export function countPayments(
  db: Queryable,
  invoice: { readonly tenant_id: string; readonly period_start: string },
): Promise<number> {
  return db.oneFirst(sql.type(z.object({ payments: z.number() }))`
    SELECT count(*) AS payments FROM payments
    WHERE tenant_id = ${invoice.tenant_id} AND period_start = ${invoice.period_start}::date
  `);
}
