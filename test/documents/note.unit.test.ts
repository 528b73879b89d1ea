import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import type { NoteSource } from '../../src/db/invoices/invoice-documents.ts';
import { documentCsv, NOTES_CSV_HEAD, notesCsvRows } from '../../src/documents/document-csv.ts';
import { documentHtml } from '../../src/documents/document-html.ts';
import { documentPdf } from '../../src/documents/document-pdf.ts';
import { makeDocument } from '../../src/documents/render-document.ts';
import { HAS_POPPLER, NEEDS_POPPLER, textOfPages } from './_poppler.ts';
import { SELLER, noteLine, noteOf } from './_source.ts';

const documentOf = (...args: Parameters<typeof noteOf>) => makeDocument(noteOf(...args), SELLER);
const taxed = (tax: Partial<NoteSource['tax']>, given: Partial<NoteSource> = {}) =>
  documentOf([noteLine()], { ...given, tax: { ...noteOf().tax, ...tax } });
const LESS = noteLine({
  qty: '-2',
  amount_cents: -1000,
  meta: { before_cents: 1000, after_cents: 0 },
});
const CREDITED = noteLine({
  kind: 'credit',
  resource_kind: null,
  description: 'Credit: Plan base',
  qty: '1',
  unit: 'credit',
  unit_price_cents: null,
  amount_cents: -2000,
  meta: { credited_number: 'acme-000007', credited_line_no: 1 },
});

describe('an adjustment note', () => {
  test('has all that the law requires', () => {
    const { title, facts, seller, buyer, statements } = documentOf();
    expect(title).toBe('Adjustment note');
    expect(facts).toEqual([
      { label: 'Adjustment note number', value: 'acme-A000001' },
      { label: 'Date of issue', value: '20\u00a0June 2026' },
      { label: 'Service period', value: '1\u00a0May 2026 to 31\u00a0May 2026' },
      { label: 'Adjusts', value: 'Invoice acme-000007 of 1\u00a0June 2026' },
    ]);
    expect(seller.lines).toContain('ABN 51 824 753 556');
    expect([buyer.name, buyer.lines[0]]).toEqual(['Acme Holdings Pty Ltd', 'ABN 53 004 085 616']);
    expect(statements).toEqual([
      { label: 'Reason', value: 'metering came late' },
      { label: 'Effect on GST', value: 'Increasing adjustment: GST increases by AUD 0.01' },
    ]);
  });

  test('shows each difference with the amounts before and after', () => {
    const { heads, groups } = documentOf();
    expect(heads).toEqual(['Description', 'Before', 'After', 'Difference']);
    expect(groups).toEqual([
      {
        heading: 'acme-web',
        lines: [
          {
            lineNo: 1,
            name: 'Droplet hours overage',
            details: ['Quantity +2\u00a0hours', 'Used 742\u00a0hours, of which 730 included'],
            figures: ['0.50', '0.60', '+0.10'],
          },
        ],
      },
    ]);
  });

  test('that decreases the price is credited and asks for no payment', () => {
    const { totals, statements, payment, notes } = documentOf([LESS]);
    expect(totals).toEqual([
      { label: 'Change in price, excluding GST', value: '−10.00', isTotal: false },
      { label: 'Change in GST (10%)', value: '−1.00', isTotal: false },
      { label: 'Total change AUD, including GST', value: '−11.00', isTotal: true },
    ]);
    expect(statements[1]?.value).toBe('Decreasing adjustment: GST decreases by AUD 1.00');
    expect(payment).toEqual([]);
    expect(notes.at(-1)).toBe('This amount is credited against invoice acme-000007.');
  });

  test('that increases the price says how to pay', () => {
    expect(documentOf().payment).toEqual([
      'Payable in addition to invoice acme-000007',
      ...SELLER.payment_details,
    ]);
  });

  test('of a credit names the line, without amounts before and after', () => {
    const [group] = documentOf([CREDITED]).groups;
    expect(group?.lines[0]).toMatchObject({
      name: 'Credit: Plan base',
      details: ['On line 1 of acme-000007'],
      figures: ['', '', '−20.00'],
    });
  });

  test('of a credit that is not taxable says so, and has no GST', () => {
    const { groups, totals, statements } = documentOf([{ ...CREDITED, taxable: false }]);
    expect(groups[0]?.lines[0]?.details).toEqual(['On line 1 of acme-000007', 'Not taxable']);
    expect(totals.map(({ label, value }) => [label, value])).toEqual([
      ['Change in price, excluding GST', '−20.00'],
      ['Of which taxable', '0.00'],
      ['Change in GST (10%)', '0.00'],
      ['Total change AUD, including GST', '−20.00'],
    ]);
    expect(statements[1]?.value).toBe('None: GST stays the same');
  });

  test('in another currency has the change in GST in AUD', () => {
    const aud = { rate: '1.5321', source: 'RBA', tax_cents: 2 };
    const { totals, statements, notes } = taxed({ aud }, { currency: 'USD' });
    expect(totals.at(-1)).toEqual({
      label: 'Change in GST in AUD',
      value: '+0.02',
      isTotal: false,
    });
    expect(statements[1]?.value).toBe(
      'Increasing adjustment: GST increases by USD 0.01 (AUD 0.02)',
    );
    expect(notes).toContain(
      'GST in AUD is converted at 1.5321 AUD for 1 USD (RBA), the rate of the invoice.',
    );
  });

  test('of a supply without tax has no effect on GST and says why', () => {
    const note = 'GST-free: supplied to a customer outside Australia.';
    const untaxed = { tax_cents: 0, total_cents: 10 };
    const { title, totals, statements, notes } = taxed({ rate: '0', note }, untaxed);
    expect(title).toBe('Adjustment note');
    expect(totals.map(({ label }) => label)).toEqual([
      'Change in price',
      'Change in GST (0%)',
      'Total change AUD',
    ]);
    expect(statements[1]?.value).toBe('None: GST stays the same');
    expect(notes).toContain(note);
  });

  test.each([
    [-11, 'Credit note'],
    [11, 'Debit note'],
  ])(
    'of a seller that is not registered for GST has another title: %s cents',
    (total_cents, title) => {
      const document = taxed({ seller_registered: false }, { tax_cents: 0, total_cents });
      expect(document.title).toBe(title);
      expect(document.facts[0]?.label).toBe(`${title} number`);
      expect(document.statements.map(({ label }) => label)).toEqual(['Reason']);
      expect(document.totals.map(({ label }) => label)).toEqual(['Change in price, AUD']);
      expect(JSON.stringify(document)).not.toContain('djustment');
    },
  );
});

describe('the documents', () => {
  test('HTML has reason, effect and signed differences', () => {
    const html = documentHtml(documentOf([LESS]));
    for (const said of [
      '<h1>Adjustment note</h1>',
      '<dt>Reason</dt><dd>metering came late</dd>',
      'Decreasing adjustment',
      '<td class="n">10.00</td><td class="n">0.00</td><td class="n">−10.00</td>',
    ]) {
      expect(html).toContain(said);
    }
  });

  test.skipIf(!HAS_POPPLER)(
    HAS_POPPLER ? 'PDF has the same' : `PDF: ${NEEDS_POPPLER}`,
    async () => {
      const [text = ''] = textOfPages(await documentPdf(documentOf([LESS, CREDITED])));
      const plain = text.replaceAll(/\s+/g, ' ');
      for (const said of [
        'Adjustment note',
        'acme-A000001',
        'metering came late',
        'Decreasing adjustment: GST decreases by AUD 3.00',
        '10.00 0.00 −10.00',
        'On line 1 of acme-000007',
        'Total change AUD, including GST −33.00',
        'credited against invoice acme-000007',
      ]) {
        expect(plain).toContain(said);
      }
    },
  );

  test('CSV has signed amounts that add up to the total', () => {
    const source = noteOf([LESS, CREDITED]);
    const rows = parse<Record<string, string>>(documentCsv(source, SELLER), { columns: true });
    expect(rows).toMatchObject([
      {
        document: 'adjustment_note',
        number: 'acme-A000001',
        adjusts: 'acme-000007',
        reason: 'metering came late',
        due_on: '',
        quantity: '',
        unit_price: '',
        before: '10.00',
        after: '0.00',
        amount: '-10.00',
        qty: '-2',
      },
      { before: '', after: '', amount: '-20.00', details: 'On line 1 of acme-000007' },
      { kind: 'tax', amount: '-3.00' },
    ]);
    const cents = rows.reduce((sum, { amount = '' }) => sum + Number(amount.replace('.', '')), 0);
    expect(cents).toBe(source.total_cents);
  });

  test('the table of notes has one row per note', () => {
    const rows = parse(NOTES_CSV_HEAD + notesCsvRows([noteOf([LESS])]), { columns: true });
    expect(rows).toMatchObject([
      { number: 'acme-A000001', adjusts: 'acme-000007', subtotal: '-10.00', total: '-11.00' },
    ]);
  });
});
