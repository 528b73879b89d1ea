import { describe, expect, test } from 'vitest';
import { IssuedListError, parseIssuedList } from '../../src/audit/issued-list.ts';

const ACME = {
  number: 'acme-000001',
  invoiceId: 'a1',
  periodStart: '2026-05-01',
  currency: 'AUD',
  total: '55.00',
  status: null,
};
const body = (type: string, data: object) => JSON.stringify({ type, timestamp: 'now', data });
const issued = body('invoice.issued', {
  number: 'acme-000001',
  invoice_id: 'a1',
  tenant_id: 'acme',
  period_start: '2026-05-01',
  currency: 'AUD',
  total_cents: 5500,
});

test('reads the summary of an export', () => {
  const csv =
    '\ufeffnumber,invoice_id,tenant_id,period_start,currency,total,status\r\n' +
    'acme-000001,a1,acme,2026-05-01,AUD,55.00,void\r\n';
  expect(parseIssuedList(csv)).toEqual([{ ...ACME, status: 'void' }]);
});

test('reads a list of numbers', () => {
  const nothing = { invoiceId: null, periodStart: null, currency: null, total: null, status: null };
  expect(parseIssuedList('number\nacme-000001\n\nglobex-000002\n')).toEqual([
    { number: 'acme-000001', ...nothing },
    { number: 'globex-000002', ...nothing },
  ]);
});

test('reads webhook bodies: repeated ones once, and only those about invoices', () => {
  const superseded = issued.replace('issued', 'superseded');
  const parked = body('tenant.parked', { tenant_id: 'acme' });
  expect(parseIssuedList(`${issued}\n${parked}\r\n\n${issued}\n${superseded}\n`)).toEqual([ACME]);
});

test('reads the body of an issued adjustment note', () => {
  const note = {
    ...{ number: 'acme-A000001', adjustment_note_id: 'n1', tenant_id: 'acme' },
    ...{ period_start: '2026-05-01', currency: 'AUD', total_cents: -550 },
  };
  expect(parseIssuedList(body('adjustment_note.issued', note))).toEqual([
    { ...ACME, number: 'acme-A000001', invoiceId: 'n1', total: '-5.50' },
  ]);
});

test('reads from a webhook body that an invoice was voided, which is final', () => {
  const voided = issued.replace('issued', 'voided');
  expect(parseIssuedList(`${issued}\n${voided}\n`)).toEqual([ACME, { ...ACME, status: 'void' }]);
});

describe('rejects', () => {
  test.each([
    ['nothing', '', 'the list is empty'],
    ['a table without numbers', 'id,total\n1,2\n', 'entry 1 has no number'],
    ['a row without a number', 'number,total\na-000001,1\n,2\n', 'entry 2 has no number'],
    ['a row with too many cells', 'number\na-000001,1\n', 'not CSV'],
    ['a line that is not JSON', `${issued}\n{"type":\n`, 'line 2: not JSON'],
    ['JSON without a type', '{"number":"a-000001"}', 'line 1: not the body of a webhook'],
    ['an invoice without a number', body('invoice.issued', {}), 'line 1: data.number'],
    ['an unknown currency', issued.replace('AUD', 'XXX'), 'line 1: XXX is not a currency'],
  ])('%s', (_what, text, message) => {
    expect(() => parseIssuedList(text)).toThrow(IssuedListError);
    expect(() => parseIssuedList(text)).toThrow(message);
  });
});
