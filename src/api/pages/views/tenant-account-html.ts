import type { TenantBalance } from '../../../db/invoices/balances.ts';
import type { InvoiceHeader } from '../../../db/invoices/invoice-views.ts';
import type { NoteHeader } from '../../../db/invoices/note-views.ts';
import type { PaymentView } from '../../../db/invoices/payment-views.ts';
import { formatDate, formatMonth } from '../../../display/dates.ts';
import { amountText, signedAmount } from '../../../display/line-text.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { dueDate, paymentBadge, paymentsTable } from './account-html.ts';
import { badge, invoiceStatus } from './badge.ts';
import { filterForm } from './filter-form.ts';
import { nextLink, table } from './html-table.ts';
import { layout, type Link, type Visitor } from './layout.ts';
import {
  accountHref,
  accountTrail,
  invoiceActionHref,
  invoiceHref,
  noteHref,
  tenantIdLink,
} from './places.ts';

/** A tenant's invoices, adjustment notes and payments, for the tenant and for operators. */

/** A page of one of the tenant's lists. */
export interface TenantListView<Entry> {
  readonly visitor: Visitor;
  readonly tenantId: string;
  readonly entries: readonly Entry[];
  readonly nextHref: string | null;
}

/** Invoices by their balance: something is left to pay, its due date has passed, or nothing is left. */
export const SHOWN_INVOICES = ['open', 'overdue', 'paid'] as const;
export type ShownInvoices = (typeof SHOWN_INVOICES)[number];

export interface TenantInvoicesView extends TenantListView<InvoiceHeader> {
  /** Null: all of them. */
  readonly show: ShownInvoices | null;
  /** One per currency with invoices. */
  readonly balances: readonly TenantBalance[];
}

/** Renders a tenant's invoices, newest first, with what is owed. */
export function tenantInvoicesPage(view: TenantInvoicesView): string {
  const { visitor, tenantId, balances, entries, nextHref, show } = view;
  const account = accountHref(visitor, tenantId);
  const choices = SHOWN_INVOICES.map((value) => ({ value, text: `Only ${value}` }));
  return layout({
    title: 'Invoices',
    visitor,
    trail: accountTrail(visitor, tenantId),
    main: markup`${balances.map((balance) => balanceFacts(balance, account))}<ul class="links"><li><a href="${account}/adjustment-notes">Adjustment notes</a></li><li><a href="${account}/payments">Payments</a></li></ul>
${filterForm(`${account}/invoices`, [{ name: 'show', label: 'Show', value: show ?? '', any: 'All', choices }])}${invoicesTable({ invoices: entries, visitor, empty: show === null ? 'No invoices yet.' : `No ${show} invoices.` })}${nextLink(nextHref, 'Earlier invoices')}`,
  });
}

export interface InvoicesTable {
  readonly invoices: readonly InvoiceHeader[];
  readonly visitor: Visitor;
  /** Text to show without invoices. */
  readonly empty: string;
  /** Whether they belong to several tenants. */
  readonly hasTenants?: boolean;
}

/** Renders invoices, newest first. */
export function invoicesTable({
  invoices,
  visitor,
  empty,
  hasTenants = false,
}: InvoicesTable): Markup {
  return table<InvoiceHeader>({
    caption: 'Invoices, newest first',
    empty,
    rows: invoices,
    columns: [
      {
        head: 'Invoice',
        isHead: true,
        cell: ({ invoice_id, number, period_start }) =>
          markup`<a href="${invoiceHref(visitor, invoice_id)}">${number}</a><span class="sub">${formatMonth(period_start)}</span>`,
      },
      ...(hasTenants
        ? [{ head: 'Tenant', cell: ({ tenant_id }: InvoiceHeader) => tenantIdLink(tenant_id) }]
        : []),
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
        cell: (invoice) =>
          invoice.payment_status === null
            ? ''
            : markup`${dueDate(invoice)}${payLink(invoice, visitor)}`,
      },
      { head: 'Documents', cell: (invoice) => documentsOf(invoice, visitor) },
    ],
  });
}

/** Renders how the balance of an invoice is paid: a tenant is told how, an operator records it; nothing if it is paid. */
function payLink({ invoice_id, number, balance_cents }: InvoiceHeader, visitor: Visitor): Markup {
  if (balance_cents === null || balance_cents <= 0) return markup``;
  const [href, text] =
    visitor.scope === 'tenant'
      ? [`${invoiceHref(visitor, invoice_id)}#pay`, 'How to pay']
      : [invoiceActionHref(invoice_id, 'pay'), 'Record payment'];
  return markup`<span class="sub"><a href="${href}">${text}<span class="heard"> of ${number}</span></a></span>`;
}

/**
 * Renders what a tenant owes in a currency.
 * @param account the path of the tenant's account, whose list of invoices shows which they are
 */
export function balanceFacts({ currency, ...balance }: TenantBalance, account: string): Markup {
  const { balance_cents, overdue_cents, paid_cents, open_invoices } = balance;
  return markup`<dl class="facts">
<div><dt>Balance</dt><dd>${currency} ${amountText(balance_cents, currency)}${BigInt(balance_cents) < 0n ? markup` ${badge('plain', 'in your favour')}` : ''}</dd></div>
<div><dt>Overdue</dt><dd>${overdue_cents === '0' ? 'nothing' : markup`<a href="${account}/invoices?show=overdue">${formatMoney(overdue_cents, currency)}</a> ${badge('bad', 'overdue')}`}</dd></div>
<div><dt>Open invoices</dt><dd>${open_invoices === 0 ? 'none' : markup`<a href="${account}/invoices?show=open">${groupDigits(open_invoices)}</a>`}</dd></div>
<div><dt>Paid so far</dt><dd>${currency} ${amountText(paid_cents, currency)}</dd></div>
</dl>
`;
}

/** Renders whether an invoice is paid, or that it is void. */
function statusOf(invoice: InvoiceHeader): Markup {
  return invoice.payment_status === null ? invoiceStatus(invoice.status) : paymentBadge(invoice);
}

function documentsOf({ invoice_id, number }: InvoiceHeader, visitor: Visitor): Markup {
  const links = ['pdf', 'csv'].map(
    (format) =>
      markup`<a href="${invoiceHref(visitor, invoice_id)}.${format}">${format.toUpperCase()}<span class="heard"> of ${number}</span></a> `,
  );
  return markup`${links}`;
}

/** Renders a tenant's adjustment notes, newest first. */
export function tenantNotesPage(view: TenantListView<NoteHeader>): string {
  const { visitor, tenantId, entries, nextHref } = view;
  return layout({
    title: 'Adjustment notes',
    visitor,
    trail: invoicesTrail(visitor, tenantId),
    main: markup`<p class="soft">An adjustment note changes what an earlier invoice charges.</p>
${notesTable(entries, visitor)}${nextLink(nextHref, 'Earlier notes')}`,
  });
}

/** Renders adjustment notes of a tenant, newest first. */
export function notesTable(notes: readonly NoteHeader[], visitor: Visitor): Markup {
  return table<NoteHeader>({
    caption: 'Adjustment notes, newest first',
    empty: 'No adjustment notes.',
    rows: notes,
    columns: [
      {
        head: 'Note',
        isHead: true,
        cell: ({ adjustment_note_id: id, number, period_start }) =>
          markup`<a href="${noteHref(visitor, id)}">${number}</a><span class="sub">${formatMonth(period_start)}</span>`,
      },
      { head: 'Issued', cell: ({ issued_on }) => formatDate(issued_on) },
      {
        head: 'Adjusts',
        cell: ({ adjusts_invoice_id, adjusts_number }) =>
          markup`<a href="${invoiceHref(visitor, adjusts_invoice_id)}">${adjusts_number}</a>`,
      },
      { head: 'Reason', cell: ({ reason }) => reason },
      {
        head: 'Change',
        isFigure: true,
        cell: ({ total_cents, currency }) => `${currency} ${signedAmount(total_cents, currency)}`,
      },
    ],
  });
}

/** Renders a tenant's payments, latest first. */
export function tenantPaymentsPage(view: TenantListView<PaymentView>): string {
  const { visitor, tenantId, entries, nextHref } = view;
  return layout({
    title: 'Payments',
    visitor,
    trail: invoicesTrail(visitor, tenantId),
    main: markup`${accountPayments(entries, visitor)}${nextLink(nextHref, 'Earlier payments')}`,
  });
}

/** Renders payments of a tenant, latest first. */
export function accountPayments(payments: readonly PaymentView[], visitor: Visitor): Markup {
  return paymentsTable({
    caption: 'Payments, latest first',
    empty: 'No payments yet.',
    payments,
    invoiceNumber: null,
    visitor,
  });
}

function invoicesTrail(visitor: Visitor, tenantId: string): readonly Link[] {
  const href = `${accountHref(visitor, tenantId)}/invoices`;
  return [...accountTrail(visitor, tenantId), { href, text: 'Invoices' }];
}
