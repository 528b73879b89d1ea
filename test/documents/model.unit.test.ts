import { describe, expect, test } from 'vitest';
import type { InvoiceSource } from '../../src/db/invoices/invoice-documents.ts';
import { makeDocument } from '../../src/documents/render-document.ts';
import { CREDIT, SELLER, UNTAXED, line, sourceOf } from './_source.ts';

const buyerOf = (...args: Parameters<typeof sourceOf>) =>
  makeDocument(sourceOf(...args), SELLER).buyer;

describe('a tax invoice', () => {
  const document = makeDocument(sourceOf(), SELLER);

  test('states that it is one, with number, date and period', () => {
    expect(document.title).toBe('Tax invoice');
    expect(document.facts).toEqual([
      { label: 'Invoice number', value: 'acme-000007' },
      { label: 'Date of issue', value: '1\u00a0June 2026' },
      { label: 'Service period', value: '1\u00a0May 2026 to 31\u00a0May 2026' },
      { label: 'Due date', value: '15\u00a0June 2026' },
    ]);
  });

  test('names the seller with its ABN', () => {
    expect(document.seller).toEqual({
      role: 'From',
      name: 'Arcadia Cloud Pty Ltd',
      lines: [
        'trading as Arcadia',
        'ABN 51 824 753 556',
        ...SELLER.address,
        'billing@arcadia.example',
      ],
    });
  });

  test('shows GST and the total including GST', () => {
    expect(document.totals).toEqual([
      { label: 'Subtotal, excluding GST', value: '10.00', isTotal: false },
      { label: 'GST (10%)', value: '1.00', isTotal: false },
      { label: 'Total AUD, including GST', value: '11.00', isTotal: true },
    ]);
  });

  test('shows GST of zero', () => {
    const { totals } = makeDocument(sourceOf([line({ amount_cents: 0 })]), SELLER);
    expect(totals.map(({ value }) => value)).toEqual(['0.00', '0.00', '0.00']);
  });
});

describe('tax', () => {
  const taxed = (tax: Partial<InvoiceSource['tax']>, given: Partial<InvoiceSource> = {}) =>
    makeDocument(sourceOf([line()], { ...given, tax: { ...sourceOf().tax, ...tax } }), SELLER);
  const untaxed = { tax_cents: 0, total_cents: 1000 };

  test('has the label and the rate of the treatment', () => {
    const vat = { treatment: 'vat', label: 'VAT', rate: '0.125' };
    const { title, caption, totals, notes } = taxed(vat, { tax_cents: 125, total_cents: 1125 });
    expect([title, caption]).toEqual([
      'Tax invoice',
      'Lines of acme-000007, in AUD, excluding VAT',
    ]);
    expect(totals).toEqual([
      { label: 'Subtotal, excluding VAT', value: '10.00', isTotal: false },
      { label: 'VAT (12.5%)', value: '1.25', isTotal: false },
      { label: 'Total AUD, including VAT', value: '11.25', isTotal: true },
    ]);
    expect(notes[1]).toContain('exclude VAT');
  });

  test('a supply without tax says why', () => {
    const note = 'GST-free: supplied to a customer outside Australia.';
    const free = { treatment: 'export', rate: '0', note };
    const { title, caption, totals, notes } = taxed(free, untaxed);
    expect([title, caption]).toEqual(['Tax invoice', 'Lines of acme-000007, in AUD']);
    expect(totals).toEqual([
      { label: 'Subtotal', value: '10.00', isTotal: false },
      { label: 'GST (0%)', value: '0.00', isTotal: false },
      { label: 'Total AUD', value: '10.00', isTotal: true },
    ]);
    expect(notes).toEqual(['All amounts are in AUD.', note]);
  });

  test('a seller that is not registered issues invoices without tax', () => {
    const { title, buyer, totals, notes } = taxed({ seller_registered: false }, untaxed);
    expect(title).toBe('Invoice');
    expect(buyer.lines).not.toContain('ABN not provided');
    expect(totals).toEqual([{ label: 'Total AUD', value: '10.00', isTotal: true }]);
    expect(notes).toEqual([
      'All amounts are in AUD.',
      'No GST is charged, because the seller is not registered for it.',
    ]);
  });

  test('an invoice in another currency shows its GST in AUD, with the rate', () => {
    const aud = { rate: '1.5321', source: 'RBA', tax_cents: 153 };
    const { totals, notes } = taxed({ aud }, { currency: 'USD' });
    expect(totals).toEqual([
      { label: 'Subtotal, excluding GST', value: '10.00', isTotal: false },
      { label: 'GST (10%)', value: '1.00', isTotal: false },
      { label: 'Total USD, including GST', value: '11.00', isTotal: true },
      { label: 'GST in AUD', value: '1.53', isTotal: false },
    ]);
    expect(notes).toEqual([
      'All amounts are in USD unless another currency is named.',
      'Prices and amounts of lines exclude GST, which is computed on the subtotal of all lines.',
      'GST in AUD is converted at 1.5321 AUD for 1 USD (RBA).',
    ]);
  });
});

test('invoice items have a group of their own, and totals say which part of the subtotal is taxable', () => {
  const { groups, totals, notes } = makeDocument(sourceOf([line(), CREDIT, UNTAXED]), SELLER);
  expect(groups.map(({ heading }) => heading)).toEqual(['acme-web', 'Other charges and credits']);
  expect(groups[1]?.lines).toMatchObject([
    {
      ...{ name: 'Outage credit', figures: ['1 item', '', '−4.00'] },
      details: ['For April 2026', 'Part of a credit of AUD 100.00'],
    },
    { name: 'Workshop abroad', figures: ['1 item', '', '20.00'], details: ['Not taxable'] },
  ]);
  expect(totals).toEqual([
    { label: 'Subtotal, excluding GST', value: '26.00', isTotal: false },
    { label: 'Of which taxable', value: '6.00', isTotal: false },
    { label: 'GST (10%)', value: '0.60', isTotal: false },
    { label: 'Total AUD, including GST', value: '26.60', isTotal: true },
  ]);
  expect(notes).toContain(
    'Prices and amounts of lines exclude GST, which is computed on the subtotal of all taxable lines.',
  );
});

describe('the buyer', () => {
  const large = [line({ amount_cents: 90_910 })];
  const noAbn = {
    legal_name: 'Acme Holdings',
    abn: null,
    address: null,
    contact: null,
    email: null,
  };

  test('is shown with its ABN', () => {
    const { name, lines } = buyerOf();
    expect([name, lines[0]]).toEqual(['Acme Holdings Pty Ltd', 'ABN 53 004 085 616']);
  });

  test('without details is shown by its name at the time of issue', () => {
    expect(buyerOf([line()], { buyer: null })).toEqual({
      role: 'To',
      name: 'Acme',
      lines: ['Account acme'],
    });
  });

  test.each([
    ['below $1,000', [line({ amount_cents: 90_908 })], 'AUD', false],
    ['from $1,000', large, 'AUD', true],
    ['in another currency, whatever it comes to', [line()], 'USD', true],
  ] as const)('a missing ABN is reported: %s', (_case, lines, currency, isTold) => {
    const source = sourceOf(lines, { buyer: noAbn, currency });
    expect(makeDocument(source, SELLER).buyer.lines.includes('ABN not provided')).toBe(isTold);
  });

  test('a total of exactly $1,000 requires an ABN', () => {
    const source = sourceOf([line({ amount_cents: 90_909 })], { buyer: noAbn });
    expect(source.total_cents).toBe(100_000);
    expect(makeDocument(source, SELLER).buyer.lines).toContain('ABN not provided');
  });
});

describe('lines', () => {
  test('are grouped by deployment, in order, without tax', () => {
    const lines = [line(), line({ kind: 'addon' }), line({ deployment_id: 'b' })];
    const { groups } = makeDocument(sourceOf(lines), SELLER);
    expect(groups.map(({ heading, lines }) => [heading, lines.map((one) => one.lineNo)])).toEqual([
      ['acme-web', [1, 2]],
      ['b', [3]],
    ]);
  });

  test('explain how their amounts came about', () => {
    const given = line({
      ...({ kind: 'overage', resource_kind: 'llm_tokens', unit: '1k_tokens' } as const),
      ...{ qty: '500000', unit_price_cents: '1', amount_cents: 500 },
      meta: { used: '1500000', allowance: '1000000', capped: false },
    });
    const [group] = makeDocument(sourceOf([given]), SELLER).groups;
    expect(group?.lines).toEqual([
      {
        lineNo: 1,
        name: 'LLM tokens overage',
        details: ['Used 1,500,000\u00a0tokens, of which 1,000,000 included'],
        figures: ['500 ×\u00a01,000\u00a0tokens', '0.01 per\u00a01,000\u00a0tokens', '5.00'],
      },
    ]);
  });

  test('without a unit price have none', () => {
    const given = line({ kind: 'llm_usage', unit: 'request', unit_price_cents: null });
    const [group] = makeDocument(sourceOf([given]), SELLER).groups;
    expect(group?.lines[0]).toMatchObject({ figures: ['1 request', '', '10.00'] });
  });

  test('have exact amounts up to the largest that can be billed', () => {
    const given = line({ amount_cents: Number.MAX_SAFE_INTEGER });
    const source = sourceOf([given], { tax_cents: 0, total_cents: Number.MAX_SAFE_INTEGER });
    expect(makeDocument(source, SELLER).totals.at(-1)?.value).toBe('90,071,992,547,409.91');
  });
});

describe('the status', () => {
  test.each([
    ['superseded', 'Superseded by acme-000008', 'do not pay'],
    ['void', 'Void', 'do not pay'],
  ] as const)('%s is marked and requests no payment', (status, text, note) => {
    const source = sourceOf([line()], { status, superseded_by_number: 'acme-000008' });
    const document = makeDocument(source, SELLER);
    expect(document.mark).toEqual({ status, text });
    expect(document.payment).toEqual([]);
    expect(document.facts.map(({ label }) => label)).not.toContain('Due date');
    expect(document.notes.join()).toContain(note);
  });

  test('a void invoice names the revision that replaced it', () => {
    const source = sourceOf([line()], { status: 'void', superseded_by_number: 'acme-000008' });
    expect(makeDocument(source, SELLER).notes.at(-1)).toBe('It was replaced by acme-000008.');
  });

  test('an issued invoice says how and until when to pay', () => {
    const { mark, payment } = makeDocument(sourceOf(), SELLER);
    expect(mark).toBeNull();
    expect(payment).toEqual([
      'Payable by 15\u00a0June 2026',
      'Please quote the invoice number.',
      'BSB 000-000, account 1234 5678',
    ]);
  });

  test('an invoice that is not released has no date yet', () => {
    const { facts, payment } = makeDocument(sourceOf([line()], { due_on: null }), SELLER);
    expect(facts.at(-1)).toEqual({ label: 'Due date', value: 'within 14\u00a0days of release' });
    expect(payment[0]).toBe('Payable within 14\u00a0days of release');
    const soon = { due_on: null, payment_days: 1 };
    expect(makeDocument(sourceOf([line()], soon), SELLER).payment[0]).toBe(
      'Payable within 1\u00a0day of release',
    );
  });

  test('an invoice of 0 has no due date', () => {
    const { facts, payment } = makeDocument(sourceOf([line({ amount_cents: 0 })]), SELLER);
    expect(facts.map(({ label }) => label)).not.toContain('Due date');
    expect(payment).toEqual([]);
  });

  test.each([
    [false, 'acme-000006 (this is revision 2)'],
    [true, 'void invoice acme-000006 (this is revision 2)'],
  ])('a revision names the invoice that it replaces; void: %s', (replaces_void, value) => {
    const given = { revision: 2, replaces_number: 'acme-000006', replaces_void };
    expect(makeDocument(sourceOf([line()], given), SELLER).facts.at(-1)).toEqual({
      label: 'Replaces',
      value,
    });
  });

  test('an adjusted invoice keeps its totals and names its notes', () => {
    const adjusted_by = ['acme-A000001', 'acme-A000002'];
    const document = makeDocument(sourceOf([line()], { adjusted_by }), SELLER);
    expect(document.totals).toEqual(makeDocument(sourceOf(), SELLER).totals);
    expect(document.statements).toEqual([
      {
        label: 'Adjusted',
        value:
          'This invoice is as it was issued. It was adjusted by adjustment notes acme-A000001, acme-A000002.',
      },
    ]);
  });
});
