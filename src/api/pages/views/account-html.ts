import type { Seller } from '../../../db/catalogue/seller-details.ts';
import type { InvoiceHeader, InvoiceView, NoteLink } from '../../../db/invoices/invoice-views.ts';
import type { PaymentView } from '../../../db/invoices/payment-views.ts';
import { formatDate } from '../../../display/dates.ts';
import { amountText, signedAmount } from '../../../display/line-text.ts';
import { formatMoney } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { table } from './html-table.ts';
import { type Visitor } from './layout.ts';
import { invoiceHref, noteHref } from './places.ts';
import { minute } from './page-format.ts';

/** What happened to an invoice after it was issued: release, adjustment notes, payments, and what is owed. */

/** Renders when the tenant got to see a document, or that it doesn't yet; nothing for the tenant. */
export function releasedFact(releasedAt: string | null, { scope, timeZone }: Visitor): Markup {
  if (scope === 'tenant') return markup``;
  return markup`<div><dt>Released</dt><dd>${releasedAt === null ? badge('busy', 'waiting for release') : minute(releasedAt, timeZone)}</dd></div>
`;
}

/** Renders the facts of due date and balance. Nothing is due on a superseded or void invoice. */
export function balanceFacts(invoice: InvoiceHeader): Markup {
  const { payment_status, balance_cents, currency } = invoice;
  if (payment_status === null || balance_cents === null) return markup``;
  return markup`<div><dt>Due date</dt><dd>${dueDate(invoice)}</dd></div>
<div><dt>Balance</dt><dd>${currency} ${amountText(balance_cents, currency)} ${paymentBadge(invoice)}</dd></div>
`;
}

/** Renders when an invoice is due, and whether it is overdue. */
export function dueDate({ due_on, overdue }: InvoiceHeader): Markup {
  return markup`${due_on === null ? 'once released' : formatDate(due_on)}${overdue ? markup` ${badge('bad', 'overdue')}` : ''}`;
}

/**
 * Renders what is left to pay of an invoice, and how; nothing if it is paid.
 * @param seller as the invoice's documents have it; null: there are no details
 */
export function howToPay(
  { number, balance_cents, due_on, overdue, currency }: InvoiceHeader,
  seller: Pick<Seller, 'payment_terms' | 'payment_details'> | null,
): Markup {
  if (balance_cents === null || balance_cents <= 0) return markup``;
  const due = due_on === null ? '' : ` ${overdue ? 'was due on' : 'by'} ${formatDate(due_on)}`;
  const lines = [seller?.payment_terms, ...(seller?.payment_details ?? [])].filter(Boolean);
  return markup`<h2 id="pay">How to pay</h2>
<p>${overdue ? '' : 'Pay '}<strong>${formatMoney(balance_cents, currency)}</strong>${due}. Reference: <strong>${number}</strong></p>
${lines.length === 0 ? '' : markup`<p>${lines.map((line, index) => markup`${index === 0 ? '' : markup`<br>`}${line}`)}</p>\n`}`;
}

/** Renders how far an invoice is paid; nothing for superseded and void ones. */
export function paymentBadge({ payment_status, balance_cents }: InvoiceHeader): Markup {
  if (payment_status === null || balance_cents === null) return markup``;
  const tone = payment_status === 'paid' ? 'good' : 'plain';
  return badge(tone, balance_cents < 0 ? 'overpaid' : payment_status.replace('_', ' '));
}

/** Renders the notes that adjust an invoice; nothing without notes. */
export function notesSection(
  { number, currency, adjustment_notes }: InvoiceView,
  visitor: Visitor,
): Markup {
  if (adjustment_notes.length === 0) return markup``;
  return markup`<h2 id="notes">Adjustment notes</h2>
${table<NoteLink>({
  caption: `Adjustment notes of invoice ${number}`,
  empty: '',
  rows: adjustment_notes,
  columns: [
    {
      head: 'Number',
      isHead: true,
      cell: ({ id, number }) => markup`<a href="${noteHref(visitor, id)}">${number}</a>`,
    },
    { head: 'Issued', cell: ({ issued_at }) => minute(issued_at, visitor.timeZone) },
    {
      head: 'Total',
      isFigure: true,
      cell: ({ total_cents }) => signedAmount(total_cents, currency),
    },
  ],
})}`;
}

/** Renders the payments for an invoice and its revisions; nothing without payments. */
export function paymentsSection(
  { number }: InvoiceView,
  payments: readonly PaymentView[],
  visitor: Visitor,
): Markup {
  if (payments.length === 0) return markup``;
  const caption = `Payments for invoice ${number}, latest first`;
  return markup`<h2 id="payments">Payments</h2>
${paymentsTable({ caption, empty: '', payments, invoiceNumber: number, visitor })}`;
}

export interface PaymentsTable {
  readonly caption: string;
  /** Text to show without payments. */
  readonly empty: string;
  readonly payments: readonly PaymentView[];
  /** The invoice whose page shows them; null: payments name their invoices. */
  readonly invoiceNumber: string | null;
  readonly visitor: Visitor;
}

/** Renders payments. Only operators see who recorded them. */
export function paymentsTable({
  caption,
  empty,
  payments,
  invoiceNumber,
  visitor,
}: PaymentsTable): Markup {
  return table<PaymentView>({
    caption,
    empty,
    rows: payments,
    columns: [
      {
        head: 'Payment',
        isHead: true,
        cell: ({ payment_id, invoice_id, invoice_number }) =>
          markup`<span class="id">${payment_id}</span>${invoice_number === invoiceNumber ? '' : markup`<span class="sub">for <a href="${invoiceHref(visitor, invoice_id)}">${invoice_number}</a></span>`}`,
      },
      { head: 'Received', cell: ({ received_on }) => formatDate(received_on) },
      { head: 'Method', cell: ({ method }) => method ?? '' },
      { head: 'Reference', cell: ({ reference }) => reference ?? '' },
      ...(visitor.scope === 'operator'
        ? [{ head: 'Recorded by', cell: ({ actor }: PaymentView) => actor ?? '' }]
        : []),
      {
        head: 'Amount',
        isFigure: true,
        cell: ({ amount_cents, currency }) =>
          `${invoiceNumber === null ? `${currency} ` : ''}${amountText(amount_cents, currency)}`,
      },
    ],
  });
}
