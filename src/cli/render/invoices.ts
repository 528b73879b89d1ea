import type { InvoiceHeader } from '../../db/invoices/invoice-views.ts';
import { formatAmount } from '../../domain/format.ts';
import type { Format } from './style.ts';
import { renderTable } from './table.ts';

/** A list of invoices, one a line: the newest month first, in it by tenant, and revisions one after the other. */
export function renderInvoices(invoices: readonly InvoiceHeader[]): string {
  return renderTable<InvoiceHeader>(
    [
      { head: 'number', value: (invoice) => invoice.number },
      { head: 'period', value: (invoice) => invoice.period_start.slice(0, '2026-05'.length) },
      { head: 'rev', align: 'right', value: (invoice) => invoice.revision },
      { head: 'status', value: (invoice) => invoice.status, format: statusFormat },
      {
        head: 'subtotal',
        align: 'right',
        value: (i) => formatAmount(i.subtotal_cents, i.currency),
      },
      { head: 'GST', align: 'right', value: (i) => formatAmount(i.tax_cents, i.currency) },
      { head: 'total', align: 'right', value: (i) => formatAmount(i.total_cents, i.currency) },
      { head: 'currency', value: (invoice) => invoice.currency },
      { head: 'id', value: (invoice) => invoice.invoice_id },
    ],
    [...invoices].sort(byMonthTenantRevision),
    'no invoices',
  );
}

/** What is read comes by id within a month: pages go on from there, and an id says nothing to people. */
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

/** What still counts stands out. */
function statusFormat({ status }: InvoiceHeader): Format | null {
  if (status === 'paid') return 'green';
  return status === 'issued' ? null : 'dim';
}
