import type { InvoiceHeader } from '../../db/invoices/invoice-views.ts';
import { readToday } from '../../db/invoices/balances.ts';
import { countPayments, isPaymentRecorded } from '../../db/invoices/payment-views.ts';
import { planVoid } from '../../db/invoices/void-invoice.ts';
import { formatDate } from '../../display/dates.ts';
import { formatMoney, toAmount } from '../../domain/format.ts';
import { invoiceParams, requireInvoiceHeader } from '../routes/invoice-params.ts';
import { planPayment, postPayments } from '../routes/payment-routes.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { operatorAction } from './action-pages.ts';
import type { Form } from './page-definition.ts';
import { readAmount } from './typed-amount.ts';
import { doneHref } from './views/done-note.ts';
import { invoiceHref } from './views/places.ts';
import { settlingSentence } from './views/invoice-actions.ts';
import { paymentView, type PaymentForm } from './views/payment-form.ts';

/** Records a payment for an invoice. */
export const payInvoice = operatorAction({
  path: '/operator/invoices/:invoice_id/pay',
  params: invoiceParams,
  read: toPaymentForm,
  propose: async ({ params, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    const { number, balance_cents, currency } = invoice;
    // From what is recorded so far: if two operators record the next payment at the same time, it counts once.
    const next = (await countPayments(db, invoice)) + 1;
    return {
      paymentId: `${number}-p${next}`,
      amount: balance_cents !== null && balance_cents > 0 ? toAmount(balance_cents, currency) : '',
      receivedOn: await readToday(db),
      method: '',
      reference: '',
    };
  },
  view: async ({ params, values, visitor, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    return paymentView(invoice, values, visitor);
  },
  foresee: async ({ params, values, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    const { currency, number } = invoice;
    const { cents, ...amount } = readAmount(values.amount, currency, 'other than 0');
    const planned = await amount.hinting(() =>
      withOwnId(values, () => planPayment(db, toBody(invoice, values, cents))),
    );
    const show = (cents: number) => formatMoney(cents, currency);
    const { balance_cents: after } = planned;
    const isFirst = (await planVoid(db, invoice.invoice_id)).outcome === 'possible';
    return [
      cents > 0
        ? `A payment of ${show(cents)} is recorded for invoice ${number}, received on ${formatDate(values.receivedOn)}.`
        : `A refund or reversal of ${show(-cents)} is recorded for invoice ${number}, on ${formatDate(values.receivedOn)}.`,
      `The balance changes from ${show(after + cents)} to ${show(after)}: ${owed(after, currency)}.`,
      ...(isFirst ? [settlingSentence(invoice)] : []),
    ];
  },
  wasDone: ({ values }, { db }) => isPaymentRecorded(db, values.paymentId),
  run: async ({ params, values, visitor, caller, requestId }, deps) => {
    const invoice = await requireInvoiceHeader(deps.db, params.invoice_id, caller);
    const { cents, ...amount } = readAmount(values.amount, invoice.currency, 'other than 0');
    const call = { params: {}, query: {}, body: toBody(invoice, values, cents), caller, requestId };
    const { status } = await amount.hinting(() =>
      withOwnId(values, () => postPayments.handle(call, deps)),
    );
    const page = invoiceHref(visitor, invoice.invoice_id);
    return doneHref(page, status === 201 ? 'paid' : 'paid-before');
  },
  fields: {
    '/payment_id': ['payment_id', 'Id'],
    '/amount_cents': ['amount', 'Amount'],
    '/received_on': ['received_on', 'Received on'],
    '/method': ['method', 'Method'],
    '/reference': ['reference', 'Reference'],
  },
});

function toPaymentForm(sent: Form): PaymentForm {
  return {
    paymentId: sent.text('payment_id').trim(),
    amount: sent.text('amount').trim(),
    receivedOn: sent.text('received_on').trim(),
    method: sent.text('method').trim(),
    reference: sent.text('reference').trim(),
  };
}

function toBody({ number }: InvoiceHeader, values: PaymentForm, cents: number): object {
  const { paymentId, receivedOn, method, reference } = values;
  return {
    payment_id: paymentId,
    invoice_number: number,
    amount_cents: cents,
    received_on: receivedOn,
    ...(method !== '' && { method }),
    ...(reference !== '' && { reference }),
  };
}

/** Makes a call, and says at the id what to do if it is used. */
async function withOwnId<T>({ paymentId }: PaymentForm, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.problem !== 'payment-conflict') throw error;
    const detail = `${paymentId} is another payment. If this is a further one, give it an id of its own`;
    throw invalidRequest([{ pointer: '/payment_id', detail }]);
  }
}

function owed(balanceCents: number, currency: string): string {
  if (balanceCents === 0) return 'it is paid';
  return balanceCents < 0
    ? `it is overpaid by ${formatMoney(-balanceCents, currency)}`
    : `${formatMoney(balanceCents, currency)} stays open`;
}
