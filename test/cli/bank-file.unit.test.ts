import { describe, expect, test } from 'vitest';
import { parseBankFile, type BankFormat } from '../../src/cli/payments/bank-file.ts';

const FORMAT: BankFormat = {
  columns: {
    date: 'date',
    amount: 'amount',
    invoice_number: 'invoice_number',
    reference: 'reference',
    payment_id: 'payment_id',
  },
  dateOrder: 'ymd',
};
const HEAD = 'date,amount,invoice_number,reference,payment_id\n';
const rowsOf = (text: string, format = FORMAT) => parseBankFile(text, format).rows;
const reasonsOf = (text: string) =>
  parseBankFile(text, FORMAT).bad.map(({ line, reason }) => `${line}: ${reason}`);

test('reads the columns by their headings, in any order, and ignores others', () => {
  const columns = { ...FORMAT.columns, date: 'Value date', amount: 'Credit' };
  const text = '\uFEFFBalance;Credit;Value date;reference\r\n9;"1,234.50";12/06/2026;"a; b"\r\n';
  expect(rowsOf(text, { columns, dateOrder: 'dmy' })).toEqual([
    {
      line: 2,
      receivedOn: '2026-06-12',
      amount: '1234.50',
      invoiceNumber: null,
      reference: 'a; b',
      paymentId: expect.stringMatching(/^row-[0-9a-f]{32}$/),
    },
  ]);
});

test.each([
  ['ymd', '2026-06-12'],
  ['ymd', '2026/6/12'],
  ['dmy', '12.06.2026'],
  ['dmy', '12/6/2026'],
  ['mdy', '06/12/2026'],
] as const)('reads dates as %s: %s', (dateOrder, date) => {
  const [row] = rowsOf(`date,amount\n${date},1\n`, { ...FORMAT, dateOrder });
  expect(row?.receivedOn).toBe('2026-06-12');
});

test.each([
  ['2026-02-30,1', 'expected a date such as 2026-06-12, found "2026-02-30"'],
  ['12-06-2026,1', 'expected a date such as 2026-06-12, found "12-06-2026"'],
  [',1', 'expected a date such as 2026-06-12, found ""'],
  ['2026-06-12,1.234,50', 'expected 2 cells, found 3'],
  ['2026-06-12,"1.234,50"', 'expected an amount such as 1234.50, found "1.234,50"'],
  ['2026-06-12,AUD 5', 'expected an amount such as 1234.50, found "AUD 5"'],
  ['2026-06-12,', 'expected an amount such as 1234.50, found ""'],
])('reports the row %j with its line', (row, reason) => {
  expect(reasonsOf(`date,amount\n2026-06-01,5\n${row}\n`)).toEqual([`3: ${reason}`]);
});

describe('the id of a row without one', () => {
  const text = `${HEAD}2026-06-12,5,acme-000001,,\n2026-06-12,5,acme-000001,,\n2026-06-12,5,acme-000002,,\n`;
  const idsOf = (csv: string) => rowsOf(csv).map(({ paymentId }) => paymentId);

  test('is the same whenever and wherever the row is imported, and another one for a second equal row', () => {
    const ids = idsOf(text);
    expect(new Set(ids).size).toBe(3);
    expect(idsOf(text)).toEqual(ids);
    // A later export with more rows in front, and another way to write the amount.
    const later = text.replace(HEAD, `${HEAD}2026-06-11,9,x-000001,,\n`).replaceAll(',5,', ',+5,');
    expect(idsOf(later).slice(1)).toEqual(ids);
  });

  test('is not made if the row has one', () => {
    expect(idsOf(`${HEAD}2026-06-12,5,,,bank-1\n`)).toEqual(['bank-1']);
  });
});

test.each([
  ['', 'line 1: expected a column date; found ""'],
  ['when,amount\n', 'line 1: expected a column date; found "when, amount"'],
  ['date,value\n', 'line 1: expected a column amount; found "date, value"'],
  ['date,amount\n"2026', 'not CSV: '],
])('refuses %j as a file', (text, message) => {
  expect(() => parseBankFile(text, FORMAT)).toThrow(message);
});
