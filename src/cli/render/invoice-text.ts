import type { InvoiceHeader, InvoiceLine, NoteLink } from '../../db/invoices/invoice-views.ts';
import {
  plainLineText,
  signedAmount,
  toPlainText,
  type LineText,
} from '../../display/line-text.ts';
import { taxNotes, totalRows, type TotalRow } from '../../display/tax-text.ts';
import { formatAmount, formatMoney } from '../../domain/format.ts';
import { style, type Format } from './styled-text.ts';
import { indent, renderTable, type Column } from './text-table.ts';

/** An invoice with its lines and the notes that adjust it, as the API returns it. */
export type PrintableInvoice = InvoiceHeader & {
  readonly adjustment_notes: readonly NoteLink[];
  readonly lines: readonly InvoiceLine[];
};

/** The numbers of linked invoices; the invoice's own fields only have their ids. */
export interface LinkedNumbers {
  readonly replaces: string | null;
  readonly supersededBy: string | null;
}

const LINE_COLUMNS: readonly Column<{ readonly line: InvoiceLine; readonly text: LineText }>[] = [
  { head: '#', align: 'right', value: ({ line }) => line.line_no },
  { head: 'deployment', value: ({ line }) => line.deployment_id },
  { head: 'line', wrap: true, value: ({ text }) => [text.name, ...text.details].join('\n') },
  { head: 'qty', align: 'right', value: ({ text }) => text.quantity.number },
  { head: 'unit', value: ({ text }) => text.quantity.unit },
  { head: 'price', align: 'right', value: ({ text }) => text.unitPrice?.number ?? null },
  { head: 'amount', align: 'right', value: ({ text }) => text.amount },
];

/** The columns of totals: labels and amounts. */
export const TOTAL_COLUMNS: readonly Column<TotalRow>[] = [
  { head: '', value: ({ label }) => label },
  { head: '', align: 'right', value: ({ value }) => toPlainText(value) },
];

/**
 * The whole invoice as plain text.
 * @param numbers null if unknown; links are then shown as ids
 */
export function renderInvoice(
  invoice: PrintableInvoice,
  numbers: LinkedNumbers | null = null,
): string {
  const { currency } = invoice;
  return [
    `${style('bold', `Invoice ${invoice.number}`)} · ${invoice.tenant_id} · ${invoice.period_start} to ${invoice.period_end}`,
    `${invoice.status}, revision ${invoice.revision}, issued ${invoice.issued_on}, id ${invoice.invoice_id}`,
    ...linksOf(invoice, numbers),
    ...voidedBy(invoice),
    '',
    indent(
      renderTable(
        LINE_COLUMNS,
        invoice.lines.map((line) => ({ line, text: plainLineText(line, currency) })),
      ),
    ),
    indent(renderTable(TOTAL_COLUMNS, totalRows(invoice))),
    '',
    ...taxNotes(invoice),
    ...accountOf(invoice),
  ].join('\n');
}

function linksOf(invoice: InvoiceHeader, numbers: LinkedNumbers | null): string[] {
  const replaces = numbers?.replaces ?? invoice.replaces_invoice_id;
  const supersededBy = numbers?.supersededBy ?? invoice.superseded_by;
  const by = whoAndWhy(invoice);
  return [
    ...(replaces ? [`replaces ${replaces}${by && ` (${by})`}`] : []),
    ...(supersededBy ? [`superseded by ${supersededBy}`] : []),
  ];
}

/** The actor, instant and reason of a void invoice; empty for others. */
function voidedBy({ status_change }: InvoiceHeader): string[] {
  if (status_change === null) return [];
  const { actor, reason, changed_at } = status_change;
  return [`voided ${changed_at} by ${[actor, reason].filter(Boolean).join(': ')}`];
}

/** What happened after the issue: release, adjustment notes, payments, and what is owed. */
function accountOf(invoice: PrintableInvoice): string[] {
  const { currency, adjustment_notes, due_on, payment_status, paid_cents, overdue } = invoice;
  const due = due_on === null ? 'not released yet' : `due ${due_on}${overdue ? ', overdue' : ''}`;
  if (payment_status === null || invoice.balance_cents === null) return [];
  const balance = formatMoney(invoice.balance_cents, currency);
  return [
    ...adjustment_notes.map(
      ({ number, total_cents }) =>
        `adjusted by ${number}: ${toPlainText(signedAmount(total_cents, currency))}`,
    ),
    ...(paid_cents === 0 ? [] : [`paid ${formatMoney(paid_cents ?? 0, currency)}`]),
    `balance ${balance}, ${payment_status.replace('_', ' ')}, ${due}`,
  ];
}

/** Actor and reason of a forced revision: `cli:ada: ticket 812`; empty for other invoices. */
export function whoAndWhy({ re_run }: Pick<InvoiceHeader, 're_run'>): string {
  return [re_run?.actor, re_run?.reason].filter(Boolean).join(': ');
}

/** A table of invoices, sorted by month (newest first), tenant and revision. */
export function renderInvoices(invoices: readonly InvoiceHeader[]): string {
  return renderTable<InvoiceHeader>(
    [
      { head: 'number', value: (invoice) => invoice.number },
      { head: 'month', value: (invoice) => invoice.period_start.slice(0, '2026-05'.length) },
      { head: 'rev', align: 'right', value: (invoice) => invoice.revision },
      { head: 'status', value: (invoice) => invoice.status, format: statusFormat },
      {
        head: 'subtotal',
        align: 'right',
        value: (i) => formatAmount(i.subtotal_cents, i.currency),
      },
      { head: 'tax', align: 'right', value: (i) => formatAmount(i.tax_cents, i.currency) },
      { head: 'total', align: 'right', value: (i) => formatAmount(i.total_cents, i.currency) },
      {
        head: 'balance',
        align: 'right',
        value: (i) => (i.balance_cents === null ? null : formatAmount(i.balance_cents, i.currency)),
      },
      { head: 'currency', value: (invoice) => invoice.currency },
      { head: 'payment', value: paymentText, format: paymentFormat },
      { head: 'id', value: (invoice) => invoice.invoice_id },
    ],
    [...invoices].sort(byMonthTenantRevision),
    'No invoices match.',
  );
}

/** The database returns invoices of a month by id, which suits paging but not people. */
function byMonthTenantRevision(a: InvoiceHeader, b: InvoiceHeader): number {
  return (
    compare(b.period_start, a.period_start) ||
    compare(a.tenant_id, b.tenant_id) ||
    a.revision - b.revision
  );
}

function compare(a: string, b: string): number {
  return Number(a > b) - Number(a < b);
}

/** Dims superseded and void invoices. */
function statusFormat({ status }: InvoiceHeader): Format | null {
  return status === 'issued' ? null : 'dim';
}

/** What is left of an invoice that counts: `paid`, `partly paid`, `unpaid` or `overdue`. */
function paymentText({ payment_status, overdue }: InvoiceHeader): string {
  return overdue ? 'overdue' : (payment_status?.replace('_', ' ') ?? '');
}

/** Highlights paid and overdue invoices. */
function paymentFormat({ payment_status, overdue }: InvoiceHeader): Format | null {
  if (overdue) return 'red';
  return payment_status === 'paid' ? 'green' : null;
}
