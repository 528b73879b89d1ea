import type { InvoiceHeader } from '../../../db/invoices/invoice-views.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { ActionView } from './action-form.ts';
import { textField, type FieldMistake } from './form-fields.ts';
import { invoicePlace } from './invoice-actions.ts';
import type { Visitor } from './layout.ts';
import { invoiceHref } from './places.ts';

/** The submitted form of a payment. */
export interface PaymentForm {
  /** Stays the same if the form is sent twice, so that there is one payment. */
  readonly paymentId: string;
  readonly amount: string;
  readonly receivedOn: string;
  readonly method: string;
  readonly reference: string;
}

/** Renders the form that records a payment for an invoice. */
export function paymentView(
  invoice: InvoiceHeader,
  form: PaymentForm,
  visitor: Visitor,
): ActionView {
  const { number, currency } = invoice;
  return {
    title: `Record a payment for ${number}`,
    ...invoicePlace(invoice, visitor),
    refusal: notPayable(invoice, visitor),
    fields: (mistakes) => paymentFields(form, currency, mistakes),
    confirmation: 'This is right. It can’t be changed later; another payment can reverse it',
    button: 'Record payment',
  };
}

function notPayable({ number, status, superseded_by }: InvoiceHeader, visitor: Visitor) {
  if (superseded_by !== null) {
    return markup`Invoice ${number} was replaced. <a href="${invoiceHref(visitor, superseded_by)}">Go to the invoice that is owed</a>`;
  }
  return status === 'void'
    ? `Invoice ${number} is void, and no revision has replaced it: nothing can be paid.`
    : null;
}

function paymentFields(
  form: PaymentForm,
  currency: string,
  mistakes: readonly FieldMistake[],
): Markup {
  return markup`${textField({
    id: 'amount',
    label: `Amount in ${currency}`,
    hint: 'A refund or a returned payment is negative, such as -40.00.',
    mistakes,
    value: form.amount,
    more: markup` required inputmode="text" autocomplete="off"`,
  })}${textField({
    id: 'received_on',
    label: 'Received on',
    hint: 'The value date at the bank, such as 2026-06-12.',
    mistakes,
    value: form.receivedOn,
    more: markup` required`,
  })}${textField({
    id: 'payment_id',
    label: 'Id',
    hint: 'The bank’s id of the payment, if it has one: an import of the same payment then doesn’t count it again. Otherwise keep the proposed one.',
    mistakes,
    value: form.paymentId,
    more: markup` required spellcheck="false"`,
  })}${textField({
    id: 'method',
    label: 'Method (optional)',
    hint: 'Such as bank transfer.',
    mistakes,
    value: form.method,
    more: markup` maxlength="100"`,
  })}${textField({
    id: 'reference',
    label: 'Reference (optional)',
    mistakes,
    value: form.reference,
    more: markup` maxlength="500"`,
  })}`;
}
