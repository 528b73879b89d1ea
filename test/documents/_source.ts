import type { InvoiceSource, NoteSource } from '../../src/db/invoices/invoice-documents.ts';
import type { Seller } from '../../src/db/catalogue/seller-details.ts';

export const SELLER: Seller = {
  legal_name: 'Arcadia Cloud Pty Ltd',
  trading_name: 'Arcadia',
  abn: '51824753556',
  address: ['Level 9, 100 Harbour Street', 'Sydney NSW 2000', 'Australia'],
  email: 'billing@arcadia.example',
  payment_terms: 'Please quote the invoice number.',
  payment_details: ['BSB 000-000, account 1234 5678'],
};

type Line = InvoiceSource['lines'][number];

/** A line of $10.00, with the given fields replaced. */
export function line(given: Partial<Line> = {}): Line {
  return {
    line_no: 1,
    deployment_id: 'acme-web',
    kind: 'plan_base',
    resource_kind: null,
    description: 'Plan base',
    qty: '1',
    unit: 'month',
    unit_price_cents: '1000',
    amount_cents: 1000,
    taxable: true,
    item_id: null,
    meta: {},
    ...given,
  };
}

const ITEM = {
  kind: 'item',
  deployment_id: null,
  unit: 'item',
  unit_price_cents: null,
} as const;
/** A part of a credit of an earlier month. */
export const CREDIT = line({
  ...ITEM,
  item_id: 'outage',
  description: 'Outage credit',
  amount_cents: -400,
  meta: { item_month: '2026-04', item_cents: '-10000' },
});
/** A charge that is not taxable. */
export const UNTAXED = line({
  ...ITEM,
  item_id: 'workshop',
  taxable: false,
  description: 'Workshop abroad',
  amount_cents: 2000,
});

/** What an invoice and a note over these lines have in common: GST on taxable ones unless it is zero, and the parties. */
function sharedOf(lines: readonly Line[]) {
  const subtotal = lines.reduce((sum, { amount_cents }) => sum + amount_cents, 0);
  const taxable = lines.reduce((sum, line) => sum + (line.taxable ? line.amount_cents : 0), 0);
  const tax = Math.sign(taxable) * Number((BigInt(Math.abs(taxable)) + 5n) / 10n);
  const gst = line({
    kind: 'tax',
    deployment_id: null,
    description: 'GST (10%)',
    unit: 'invoice',
    unit_price_cents: null,
    amount_cents: tax,
    meta: { rate: '0.10' },
  });
  return {
    invoice_id: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
    tenant_id: 'acme',
    period_start: '2026-05-01',
    period_end: '2026-05-31',
    revision: 1,
    status: 'issued' as const,
    currency: 'AUD',
    subtotal_cents: subtotal,
    taxable_cents: taxable,
    tax_cents: tax,
    total_cents: subtotal + tax,
    tax: {
      treatment: 'gst',
      label: 'GST',
      rate: '0.10',
      note: null,
      seller_registered: true,
      aud: null,
    },
    issued_at: '2026-06-01T06:00:12.345678Z',
    seller: SELLER,
    buyer_name: 'Acme',
    buyer: {
      legal_name: 'Acme Holdings Pty Ltd',
      abn: '53004085616',
      address: ['12 Wharf Road', 'Melbourne VIC 3000', 'Australia'],
      contact: 'Accounts payable',
      email: 'accounts@acme.example',
    },
    lines: [...lines, ...(tax === 0 ? [] : [gst])].map((one, index) => ({
      ...one,
      line_no: index + 1,
    })),
  };
}

/** An invoice over these lines. */
export function sourceOf(
  lines: readonly Line[] = [line()],
  given: Partial<InvoiceSource> = {},
): InvoiceSource {
  return {
    ...sharedOf(lines),
    kind: 'invoice',
    number: 'acme-000007',
    issued_on: '2026-06-01',
    due_on: '2026-06-15',
    payment_days: 14,
    replaces_number: null,
    replaces_void: false,
    superseded_by_number: null,
    adjusted_by: [],
    ...given,
  };
}

/** A line of a note: 12 hours instead of 10, with the given fields replaced. */
export function noteLine(given: Partial<Line> = {}): Line {
  return line({
    kind: 'overage',
    resource_kind: 'droplet_hours',
    description: 'droplet_hours overage',
    qty: '2',
    unit: 'hour',
    unit_price_cents: '5',
    amount_cents: 10,
    meta: { used: '742', allowance: '730', capped: false, before_cents: 50, after_cents: 60 },
    ...given,
  });
}

/** An adjustment note over these lines. */
export function noteOf(
  lines: readonly Line[] = [noteLine()],
  given: Partial<NoteSource> = {},
): NoteSource {
  return {
    ...sharedOf(lines),
    kind: 'adjustment_note',
    number: 'acme-A000001',
    issued_on: '2026-06-20',
    reason: 'metering came late',
    adjusts: {
      invoice_id: '3f2504e0-4f89-41d3-9a0c-0305e82c3302',
      number: 'acme-000007',
      issued_on: '2026-06-01',
    },
    ...given,
  };
}

/** For each currency, how its documents show 1,234,567 minor units. */
export const AMOUNTS = [
  { currency: 'USD', shown: '12,345.67', plain: '12345.67', total: '13,580.24' },
  { currency: 'JPY', shown: '1,234,567', plain: '1234567', total: '1,358,024' },
  { currency: 'KWD', shown: '1,234.567', plain: '1234.567', total: '1,358.024' },
  { currency: 'CLF', shown: '123.4567', plain: '123.4567', total: '135.8024' },
] as const;

/** The given number of lines, all different, ten per deployment. */
export function manyLines(count: number): readonly Line[] {
  return Array.from({ length: count }, (_, index) =>
    line({
      deployment_id: `acme-web-${String(Math.floor(index / 10)).padStart(3, '0')}`,
      kind: 'overage',
      resource_kind: `kind_${index}`,
      description: `kind_${index} overage`,
      qty: String(500_000 + index),
      unit: '1k_tokens',
      unit_price_cents: '1',
      amount_cents: 500 + index,
      meta: { used: String(1_500_000 + index), allowance: '1000000', capped: false },
    }),
  );
}
