import { z } from 'zod';
import { trimmedText, visibleId } from '../contracts/text.ts';
import type { NewPayment } from '../db/invoices/payment-rows.ts';
import { date } from '../ingestion/calendar-fields.ts';

/** A payment as it is sent, by the API and the CLI alike (docs/spec.md#due-dates-and-payments). */
export const paymentFields = z.strictObject({
  payment_id: visibleId(200)
    .meta({ example: 'bank-2026-06-12-4711' })
    .describe("The payment's id in your bank or ledger. It counts once, forever."),
  invoice_number: visibleId(100)
    .meta({ example: 'acme-000001' })
    .describe('An invoice of the month that is paid. A superseded one stands for its successor.'),
  amount_cents: z
    .int()
    .refine((cents) => cents !== 0, { error: 'expected an amount other than 0' })
    .meta({ example: 5913 })
    .describe("In the invoice's currency. Negative: a reversal or a refund."),
  received_on: date.describe(
    'Value date of the payment. At most one day ahead of the billing time zone.',
  ),
  method: trimmedText(100).meta({ example: 'bank transfer' }).optional(),
  reference: trimmedText(500).meta({ example: 'acme-000001 thanks' }).optional(),
});
export type SentPayment = z.infer<typeof paymentFields>;

/** Returns the payment as it is recorded. */
export function toNewPayment(sent: SentPayment): NewPayment {
  return {
    paymentId: sent.payment_id,
    invoiceNumber: sent.invoice_number,
    amountCents: sent.amount_cents,
    receivedOn: sent.received_on,
    method: sent.method ?? null,
    reference: sent.reference ?? null,
  };
}
