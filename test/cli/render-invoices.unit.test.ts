import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { InvoiceHeader, InvoiceLine } from '../../src/db/invoices/invoice-views.ts';
import { renderDifference } from '../../src/cli/commands/invoices-diff-command.ts';
import { renderInvoice, renderInvoices } from '../../src/cli/render/invoice-text.ts';
import { anInvoice } from './_invoices.ts';

const LINE: InvoiceLine = {
  line_no: 1,
  deployment_id: 'acme-a',
  kind: 'plan_base',
  resource_kind: null,
  description: 'Plan base',
  qty: '1',
  unit: 'month',
  unit_price_cents: '5000',
  amount_cents: 5000,
  taxable: true,
  item_id: null,
  meta: {},
};
const FIRST = anInvoice();
const SECOND = anInvoice({
  invoice_id: '8bc9cc20-0000-4000-8000-000000000002',
  number: 'acme-000002',
  revision: 2,
  total_cents: 27426,
  replaces_invoice_id: FIRST.invoice_id,
  superseded_by: '8bc9cc20-0000-4000-8000-000000000003',
  re_run: { request_id: 'r', actor: 'cli:ada', reason: 'ticket 812' },
});

describe('an invoice', () => {
  const show = (
    invoice: InvoiceHeader & { lines: readonly InvoiceLine[] },
    numbers: Parameters<typeof renderInvoice>[1] = null,
  ) => stripVTControlCharacters(renderInvoice({ ...invoice, adjustment_notes: [] }, numbers));

  test('has the numbers of its lines, as `invoices usage --line` takes them', () => {
    const text = show({ ...FIRST, lines: [LINE, { ...LINE, line_no: 12, description: 'More' }] });
    expect(text).toContain(' #  deployment  line ');
    expect(text).toMatch(/^ {3}1 {2}acme-a +Plan base/m);
    expect(text).toMatch(/^ {2}12 {2}acme-a +More/m);
  });
  test('shows quantities in the unit of their price, and how an amount came about', () => {
    const lines = [
      {
        ...LINE,
        amount_cents: 3065,
        meta: {
          proration_fraction: '19/31',
          service_from: '2026-05-01',
          service_to: '2026-05-19',
        },
      },
    ];
    const rows = show({ ...FIRST, lines }).split('\n');
    const at = rows.findIndex((row) => row.includes('Plan base'));
    expect(rows[at]).toMatch(/1 {2}acme-a +Plan base +19\/31 {2}month {2}50\.00 {3}30\.65$/);
    expect(rows[at + 1]?.trim()).toBe('1–19 May, 19 of 31 days');
  });
  test('names those that it is linked with by their numbers', () => {
    const numbers = { replaces: 'acme-000001', supersededBy: 'acme-000003' };
    const text = show({ ...SECOND, lines: [LINE] }, numbers);
    expect(text).toContain('\nreplaces acme-000001 (cli:ada: ticket 812)\n');
    expect(text).toContain('\nsuperseded by acme-000003\n');
    expect(text).not.toContain(FIRST.invoice_id);
    expect(text).toContain(`id ${SECOND.invoice_id}`);
  });
  test('says who voided it, when and why', () => {
    const status_change = {
      ...{ actor: 'cli:ada', reason: 'wrong company' },
      changed_at: '2026-06-02T04:00:00Z',
    };
    const text = show({ ...FIRST, status: 'void', status_change, lines: [LINE] });
    expect(text).toContain('\nvoided 2026-06-02T04:00:00Z by cli:ada: wrong company\n');
    expect(show({ ...FIRST, lines: [LINE] })).not.toContain('voided');
  });
  test('falls back to ids if the numbers are unknown', () => {
    const text = show({ ...SECOND, lines: [LINE] });
    expect(text).toContain(`\nreplaces ${FIRST.invoice_id} (cli:ada: ticket 812)\n`);
    expect(text).toContain(`\nsuperseded by ${SECOND.superseded_by}\n`);
  });
});

test('a list: the newest month first, in it by tenant, a revision after the one that it replaced', () => {
  const april = { period_start: '2026-04-01', period_end: '2026-04-30' };
  const text = renderInvoices([
    anInvoice({ ...april, number: 'bravo-000001', tenant_id: 'bravo' }),
    anInvoice({ number: 'acme-000010', revision: 10 }),
    anInvoice({ number: 'bravo-000002', tenant_id: 'bravo' }),
    anInvoice({ ...april, number: 'acme-000001' }),
    anInvoice({ number: 'acme-000009', revision: 9 }),
  ]);
  expect(text.match(/(?:acme|bravo)-\d+/g)).toEqual([
    'acme-000009',
    'acme-000010',
    'bravo-000002',
    'acme-000001',
    'bravo-000001',
  ]);
});

describe('a difference', () => {
  const show = (...args: Parameters<typeof renderDifference>) =>
    stripVTControlCharacters(renderDifference(...args)).split('\n');
  const changes = [
    {
      change: 'changed' as const,
      before: LINE,
      after: { ...LINE, amount_cents: 2526 },
      difference_cents: -2474,
    },
  ];

  test('says what replaced what, who wanted it, why, and what it comes to', () => {
    const [heading, empty, head, row] = show({ before: FIRST, after: SECOND, changes });
    expect(heading).toBe(
      'acme-000002 replaces acme-000001 · cli:ada: ticket 812 · USD 299.00 → 274.26',
    );
    expect(empty).toBe('');
    expect(head).toContain('amount before');
    expect(row).toMatch(/^~ +acme-a +Plan base .* -24\.74$/);
  });
  test('without a request nobody is named; of another currency both are', () => {
    const after = { ...SECOND, re_run: null, currency: 'AUD' };
    expect(show({ before: FIRST, after, changes })[0]).toBe(
      'acme-000002 replaces acme-000001 · USD 299.00 → AUD 274.26',
    );
  });
  test('says how the tax changed, which can be all that changed', () => {
    const free = { ...SECOND.tax, treatment: 'free', rate: '0', note: 'GST-free.' };
    const after = { ...SECOND, tax: free };
    const lines = show({ before: FIRST, after, changes: [] });
    expect(lines.slice(-3)).toEqual([
      'No line changed.',
      '',
      'Tax: gst: GST (10%), now free: GST (0%)',
    ]);
  });
  test('of nothing says so', () => {
    expect(show({ before: FIRST, after: SECOND, changes: [] }).at(-1)).toBe('No line changed.');
  });
});
