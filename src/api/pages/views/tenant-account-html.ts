import type { TenantBalance } from '../../../db/invoices/balances.ts';
import type { InvoiceHeader } from '../../../db/invoices/invoice-views.ts';
import type { NoteHeader } from '../../../db/invoices/note-views.ts';
import type { PaymentView } from '../../../db/invoices/payment-views.ts';
import { formatDate, formatMonth } from '../../../display/dates.ts';
import { amountText, signedAmount } from '../../../display/line-text.ts';
import { formatMoney } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { dueDate, paymentBadge, paymentsTable } from './account-html.ts';
import { badge, invoiceStatus } from './badge.ts';
import { documentsStart } from './document-place.ts';
import { table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';

/** A page of one of the tenant's lists. */
export interface TenantListView<Entry> {
  readonly visitor: Visitor;
  readonly entries: readonly Entry[];
  readonly nextHref: string | null;
}

export interface TenantInvoicesView extends TenantListView<InvoiceHeader> {
  /** One per currency with invoices. */
  readonly balances: readonly TenantBalance[];
}

/** Renders a tenant's invoices, newest first, with what is owed. */
export function tenantInvoicesPage(view: TenantInvoicesView): string {
  const { visitor, balances, entries, nextHref } = view;
  return layout({
    title: 'Invoices',
    visitor,
    main: markup`${balances.map(balanceFacts)}<ul class="links"><li><a href="/tenant/adjustment-notes">Adjustment notes</a></li><li><a href="/tenant/payments">Payments</a></li></ul>
${table<InvoiceHeader>({
  caption: 'Invoices, newest first',
  empty: 'No invoices yet.',
  rows: entries,
  columns: [
    {
      head: 'Invoice',
      isHead: true,
      cell: ({ invoice_id, number, period_start }) =>
        markup`<a href="/tenant/invoices/${invoice_id}">${number}</a><span class="sub">${formatMonth(period_start)}</span>`,
    },
    { head: 'Issued', cell: ({ issued_on }) => formatDate(issued_on) },
    {
      head: 'Total',
      isFigure: true,
      cell: ({ total_cents, currency }) => `${currency} ${amountText(total_cents, currency)}`,
    },
    {
      head: 'Balance',
      isFigure: true,
      cell: ({ balance_cents, currency }) =>
        balance_cents === null ? '' : amountText(balance_cents, currency),
    },
    { head: 'Status', cell: statusOf },
    {
      head: 'Due',
      cell: (invoice) => (invoice.payment_status === null ? '' : dueDate(invoice)),
    },
    { head: 'Documents', cell: (invoice) => documentsOf(invoice) },
  ],
})}${more(nextHref, 'Earlier invoices')}`,
  });
}

function balanceFacts({ currency, ...balance }: TenantBalance): Markup {
  const { balance_cents, overdue_cents, paid_cents, open_invoices } = balance;
  return markup`<dl class="facts">
<div><dt>Balance</dt><dd>${currency} ${amountText(balance_cents, currency)}${BigInt(balance_cents) < 0n ? markup` ${badge('plain', 'in your favour')}` : ''}</dd></div>
<div><dt>Overdue</dt><dd>${overdue_cents === '0' ? 'nothing' : markup`${formatMoney(overdue_cents, currency)} ${badge('bad', 'overdue')}`}</dd></div>
<div><dt>Open invoices</dt><dd>${open_invoices}</dd></div>
<div><dt>Paid so far</dt><dd>${currency} ${amountText(paid_cents, currency)}</dd></div>
</dl>
`;
}

/** Renders whether an invoice is paid, or that it is void. */
function statusOf(invoice: InvoiceHeader): Markup {
  return invoice.payment_status === null ? invoiceStatus(invoice.status) : paymentBadge(invoice);
}

function documentsOf({ invoice_id, number }: InvoiceHeader): Markup {
  const links = ['pdf', 'csv'].map(
    (format) =>
      markup`<a href="/tenant/invoices/${invoice_id}.${format}">${format.toUpperCase()}<span class="heard"> of ${number}</span></a> `,
  );
  return markup`${links}`;
}

/** Renders a tenant's adjustment notes, newest first. */
export function tenantNotesPage({
  visitor,
  entries,
  nextHref,
}: TenantListView<NoteHeader>): string {
  return layout({
    title: 'Adjustment notes',
    visitor,
    trail: [documentsStart(visitor)],
    main: markup`<p class="soft">An adjustment note changes what an earlier invoice charges.</p>
${table<NoteHeader>({
  caption: 'Adjustment notes, newest first',
  empty: 'No adjustment notes.',
  rows: entries,
  columns: [
    {
      head: 'Note',
      isHead: true,
      cell: ({ adjustment_note_id: id, number, period_start }) =>
        markup`<a href="/tenant/adjustment-notes/${id}">${number}</a><span class="sub">${formatMonth(period_start)}</span>`,
    },
    { head: 'Issued', cell: ({ issued_on }) => formatDate(issued_on) },
    {
      head: 'Adjusts',
      cell: ({ adjusts_invoice_id, adjusts_number }) =>
        markup`<a href="/tenant/invoices/${adjusts_invoice_id}">${adjusts_number}</a>`,
    },
    { head: 'Reason', cell: ({ reason }) => reason },
    {
      head: 'Change',
      isFigure: true,
      cell: ({ total_cents, currency }) => `${currency} ${signedAmount(total_cents, currency)}`,
    },
  ],
})}${more(nextHref, 'Earlier notes')}`,
  });
}

/** Renders a tenant's payments, latest first. */
export function tenantPaymentsPage({
  visitor,
  entries,
  nextHref,
}: TenantListView<PaymentView>): string {
  return layout({
    title: 'Payments',
    visitor,
    trail: [documentsStart(visitor)],
    main: markup`${paymentsTable({
      caption: 'Payments, latest first',
      empty: 'No payments yet.',
      payments: entries,
      invoiceNumber: null,
      visitor,
    })}${more(nextHref, 'Earlier payments')}`,
  });
}

function more(nextHref: string | null, text: string): Markup {
  if (nextHref === null) return markup``;
  return markup`<p><a href="${nextHref}" rel="next">${text}</a></p>
`;
}
