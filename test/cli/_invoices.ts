import type { InvoiceHeader } from '../../src/db/invoices/invoice-views.ts';

/** An invoice of acme for 2026-05, and what is said of it otherwise. */
export function anInvoice(changes: Partial<InvoiceHeader> = {}): InvoiceHeader {
  return {
    invoice_id: '8bc9cc20-0000-4000-8000-000000000001',
    number: 'acme-000001',
    tenant_id: 'acme',
    period_start: '2026-05-01',
    period_end: '2026-05-31',
    revision: 1,
    status: 'issued',
    currency: 'USD',
    subtotal_cents: 27182,
    taxable_cents: 27182,
    tax_cents: 2718,
    total_cents: 29900,
    tax: {
      treatment: 'gst',
      label: 'GST',
      rate: '0.10',
      note: null,
      seller_registered: true,
      aud: null,
    },
    issued_at: '2026-06-01T00:00:00.000000Z',
    issued_on: '2026-06-01',
    released_at: '2026-06-01T00:00:00.000000Z',
    due_on: '2026-06-15',
    payment_status: 'unpaid',
    notes_cents: 0,
    paid_cents: 0,
    balance_cents: 29900,
    overdue: false,
    replaces_invoice_id: null,
    superseded_by: null,
    superseded_at: null,
    re_run: null,
    status_change: null,
    ...changes,
  };
}
