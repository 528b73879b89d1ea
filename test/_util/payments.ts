import type { NewPayment } from '../../src/db/invoices/payment-rows.ts';
import { recordPayments, type PaymentResult } from '../../src/db/invoices/payments.ts';
import type { Database } from '../../src/db/pool.ts';

let lastPayment = 0;

/** A payment for an invoice with an id of its own. */
export function payment(
  invoiceNumber: string,
  amountCents: number,
  more: Partial<NewPayment> = {},
): NewPayment {
  lastPayment += 1;
  return {
    paymentId: `payment-${lastPayment}`,
    invoiceNumber,
    amountCents,
    receivedOn: '2026-06-12',
    method: null,
    reference: null,
    ...more,
  };
}

/** Records one payment. */
export async function pay(
  db: Database,
  invoiceNumber: string,
  amountCents: number,
  more: Partial<NewPayment> = {},
): Promise<PaymentResult> {
  const [result] = await recordPayments(db, [payment(invoiceNumber, amountCents, more)], {
    actor: 'test',
  });
  return result!;
}
