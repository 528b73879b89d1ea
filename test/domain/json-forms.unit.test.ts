import { expect, test } from 'vitest';
import type { InvoiceTax } from '../../src/domain/invoice-totals.ts';
import { placedLineToJson } from '../../src/domain/quote-json.ts';
import { taxFromJson, taxToJson } from '../../src/domain/tax-json.ts';
import { placedLine } from './_lines.ts';

const tax = (aud: InvoiceTax['aud']): InvoiceTax => ({
  treatment: { code: 'gst_free', label: 'GST', rate: '0', note: 'An export.' },
  sellerRegistered: true,
  aud,
});

test.each([
  ['in AUD', null, null],
  [
    'in another currency',
    { rate: '1.52', source: 'RBA', taxCents: 76 },
    { rate: '1.52', source: 'RBA', tax_cents: 76 },
  ],
])('tax of an invoice %s has a JSON form, and comes back from it', (_what, aud, audJson) => {
  const json = taxToJson(tax(aud));
  expect(json).toEqual({
    ...{ treatment: 'gst_free', label: 'GST', rate: '0', note: 'An export.' },
    ...{ seller_registered: true, aud: audJson },
  });
  expect(taxFromJson(json)).toEqual(tax(aud));
});

test('a line of an invoice has its place in its JSON form', () => {
  const line = placedLine({ lineNo: 3, itemId: 'setup', taxable: false, resourceKind: 'gb' });
  expect(placedLineToJson(line)).toEqual({
    ...{ line_no: 3, deployment_id: 'web', kind: 'plan_base', resource_kind: 'gb' },
    ...{ description: 'Plan base', qty: '1', unit: 'month', unit_price_cents: '5000' },
    ...{ amount_cents: 5000, meta: { version: 1 }, taxable: false, item_id: 'setup' },
  });
});
