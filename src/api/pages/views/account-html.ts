import type { NoteLink, InvoiceView } from '../../../db/invoices/invoice-views.ts';
import type { PaymentView } from '../../../db/invoices/payment-views.ts';
import { formatDate } from '../../../display/dates.ts';
import { amountText, signedAmount } from '../../../display/line-text.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { table } from './html-table.ts';
import { minute } from './page-format.ts';

/** What happened to an invoice after it was issued: release, adjustment notes, payments, and what is owed. */

/** Renders when tenants got to see a document, or that they don't yet. */
export function releasedFact(releasedAt: string | null, timeZone: string): Markup {
  return markup`<div><dt>Released</dt><dd>${releasedAt === null ? badge('busy', 'waiting for release') : minute(releasedAt, timeZone)}</dd></div>`;
}

/** Renders the facts of release, due date and balance. Nothing is due on a superseded or void invoice. */
export function accountFacts(
  { released_at, due_on, payment_status, balance_cents, overdue, currency }: InvoiceView,
  timeZone: string,
): Markup {
  return markup`${releasedFact(released_at, timeZone)}
${
  payment_status === null || balance_cents === null
    ? ''
    : markup`<div><dt>Due date</dt><dd>${due_on === null ? 'once released' : formatDate(due_on)}${overdue ? markup` ${badge('bad', 'overdue')}` : ''}</dd></div>
<div><dt>Balance</dt><dd>${currency} ${amountText(balance_cents, currency)} ${badge(payment_status === 'paid' ? 'good' : 'plain', balance_cents < 0 ? 'overpaid' : payment_status.replace('_', ' '))}</dd></div>
`
}`;
}

/** Renders the notes that adjust an invoice; nothing without notes. */
export function notesSection(
  { number, currency, adjustment_notes }: InvoiceView,
  timeZone: string,
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
      cell: ({ id, number }) => markup`<a href="/operator/adjustment-notes/${id}">${number}</a>`,
    },
    { head: 'Issued', isWide: true, cell: ({ issued_at }) => minute(issued_at, timeZone) },
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
  { number, currency }: InvoiceView,
  payments: readonly PaymentView[],
): Markup {
  if (payments.length === 0) return markup``;
  return markup`<h2 id="payments">Payments</h2>
${table<PaymentView>({
  caption: `Payments for invoice ${number}, latest first`,
  empty: '',
  rows: payments,
  columns: [
    {
      head: 'Payment',
      isHead: true,
      cell: ({ payment_id, invoice_number }) =>
        markup`<span class="id">${payment_id}</span>${invoice_number === number ? '' : markup`<span class="sub">for ${invoice_number}</span>`}`,
    },
    { head: 'Received', cell: ({ received_on }) => formatDate(received_on) },
    { head: 'Method', isWide: true, cell: ({ method }) => method ?? '' },
    { head: 'Reference', isWide: true, cell: ({ reference }) => reference ?? '' },
    { head: 'Recorded by', isWide: true, cell: ({ actor }) => actor ?? '' },
    {
      head: 'Amount',
      isFigure: true,
      cell: ({ amount_cents }) => amountText(amount_cents, currency),
    },
  ],
})}`;
}
