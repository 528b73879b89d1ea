import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import type { InvoiceSource } from '../../src/db/invoices/invoice-documents.ts';
import {
  totalInXero,
  XERO_CSV_HEAD,
  xeroCsvRows,
  xeroDocument,
} from '../../src/documents/xero-rows.ts';
import type { XeroSettings } from '../../src/domain/xero-accounts.ts';
import { line, noteOf, sourceOf } from './_source.ts';

const kind = (account_code: string) => ({
  account_code,
  tax_types: { gst: 'GST on Income' },
  untaxed_tax_type: 'BAS Excluded',
});
const SETTINGS: XeroSettings = {
  line_kinds: { plan_base: kind('200'), llm_usage: kind('210'), item: kind('260') },
  rounding: null,
};
const DOCUMENT = { entry: 'document', reversedOn: null } as const;

function rowsOf(...args: Parameters<typeof xeroDocument>): readonly Record<string, string>[] {
  return parse(XERO_CSV_HEAD + xeroCsvRows(xeroDocument(...args)), { columns: true });
}

test("the columns are those of Xero's template, in its order", () => {
  expect(XERO_CSV_HEAD).toBe(
    '*ContactName,EmailAddress,POAddressLine1,POAddressLine2,POAddressLine3,POAddressLine4,POCity,PORegion,' +
      'POPostalCode,POCountry,*InvoiceNumber,Reference,*InvoiceDate,*DueDate,InventoryItemCode,*Description,' +
      '*Quantity,*UnitAmount,Discount,*AccountCode,*TaxType,TrackingName1,TrackingOption1,TrackingName2,' +
      'TrackingOption2,Currency,BrandingTheme\r\n',
  );
});

test('an invoice has a row per line, without its tax line', () => {
  const source = sourceOf([line(), line({ kind: 'llm_usage', amount_cents: 12 })], {
    due_on: '2026-06-15',
  });
  const rows = rowsOf(source, DOCUMENT, SETTINGS);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({
    '*ContactName': 'Acme Holdings Pty Ltd',
    EmailAddress: 'accounts@acme.example',
    POAddressLine1: '12 Wharf Road',
    POAddressLine4: '',
    '*InvoiceNumber': 'acme-000007',
    Reference: '2026-05',
    '*InvoiceDate': '01/06/2026',
    '*DueDate': '15/06/2026',
    '*Description': 'Plan base (acme-web)',
    '*Quantity': '1',
    '*UnitAmount': '10.00',
    '*AccountCode': '200',
    '*TaxType': 'GST on Income',
    Currency: 'AUD',
  });
  expect(rows[1]).toMatchObject({ '*UnitAmount': '0.12', '*AccountCode': '210' });
});

test('the fourth line of an address has all that is left', () => {
  const { buyer } = sourceOf();
  const address = ['1', '2', '3', '4', '5', '6'];
  const [row] = rowsOf(
    sourceOf([line()], { buyer: buyer && { ...buyer, address } }),
    DOCUMENT,
    SETTINGS,
  );
  expect(row).toMatchObject({ POAddressLine3: '3', POAddressLine4: '4, 5, 6' });
});

test('a name that a spreadsheet would compute is text', () => {
  const [row] = rowsOf(sourceOf([line()], { buyer: null, buyer_name: '=1+1' }), DOCUMENT, SETTINGS);
  expect(row?.['*ContactName']).toBe("'=1+1");
});

describe('references say what a document is', () => {
  const reference = (given: Partial<InvoiceSource>, entry: typeof DOCUMENT.entry | 'reversal') =>
    rowsOf(sourceOf([line()], given), { entry, reversedOn: null }, SETTINGS)[0]?.Reference;

  test('a revision, a note, and reversals', () => {
    expect(reference({ replaces_number: 'acme-000006' }, 'document')).toBe(
      '2026-05, replaces acme-000006',
    );
    expect(rowsOf(noteOf([line()]), DOCUMENT, SETTINGS)[0]?.Reference).toBe(
      '2026-05, adjusts acme-000007',
    );
    const superseded = { status: 'superseded', superseded_by_number: 'acme-000008' } as const;
    expect(reference(superseded, 'reversal')).toBe('Reverses acme-000007, replaced by acme-000008');
    // Also once a revision replaces it.
    const replaced = { status: 'void', superseded_by_number: 'acme-000008' } as const;
    expect(reference(replaced, 'reversal')).toBe('Reverses acme-000007, which is void');
  });
});

test('a reversal negates the amounts, under a number and a date of its own', () => {
  const source = sourceOf([line(), line({ amount_cents: 0 })], {
    status: 'void',
    due_on: '2026-06-15',
  });
  const rows = rowsOf(source, { entry: 'reversal', reversedOn: '2026-07-02' }, SETTINGS);
  expect(rows.map((row) => row['*UnitAmount'])).toEqual(['-10.00', '0.00']);
  expect(rows[0]).toMatchObject({
    '*InvoiceNumber': 'acme-000007-R',
    '*InvoiceDate': '02/07/2026',
    '*DueDate': '02/07/2026',
  });
});

test('a note has no due date in the books, so its own date stands for it', () => {
  const note = noteOf([line({ amount_cents: -500 })]);
  expect(rowsOf(note, DOCUMENT, SETTINGS)[0]).toMatchObject({
    '*InvoiceDate': '20/06/2026',
    '*DueDate': '20/06/2026',
    '*UnitAmount': '-5.00',
  });
});

test('a line that is not taxed has the tax type for that', () => {
  const source = sourceOf([line(), line({ kind: 'item', deployment_id: null, taxable: false })]);
  expect(rowsOf(source, DOCUMENT, SETTINGS).map((row) => row['*TaxType'])).toEqual([
    'GST on Income',
    'BAS Excluded',
  ]);
});

describe('where Xero rounds tax differently', () => {
  // 10% of 0.05 + 0.05 is 0.01; per line it is 0.01 twice.
  const source = sourceOf([line({ amount_cents: 5 }), line({ amount_cents: 5 })]);

  test('the difference is known', () => {
    const document = xeroDocument(source, DOCUMENT, SETTINGS);
    expect(document).toMatchObject({ totalCents: 11, taxInXeroCents: 2, roundingCents: 0 });
    expect(totalInXero(document)).toBe(12);
  });

  test('a row in the account for rounding makes the totals equal', () => {
    const rounding = { account_code: '860', tax_type: 'BAS Excluded' };
    for (const [entry, amount] of [
      ['document', '-0.01'],
      ['reversal', '0.01'],
    ] as const) {
      const booked = { ...SETTINGS, rounding };
      const document = xeroDocument(source, { entry, reversedOn: null }, booked);
      expect(totalInXero(document)).toBe(document.totalCents);
      expect(rowsOf(source, { entry, reversedOn: null }, booked).at(-1)).toMatchObject({
        '*Description': 'GST: rounded once per document, and per line in Xero',
        '*UnitAmount': amount,
        '*AccountCode': '860',
        '*TaxType': 'BAS Excluded',
      });
    }
  });
});
