import { expect, test } from 'vitest';
import type { InvoiceTax } from '../../src/domain/invoice-totals.ts';
import { quote } from '../../src/domain/quote.ts';
import { placedLineToJson, quoteToJson } from '../../src/domain/quote-json.ts';
import { taxFromJson, taxToJson } from '../../src/domain/tax-json.ts';
import type { PlanVersion } from '../../src/domain/types.ts';
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

test("a quote's allowances are in its JSON form", () => {
  const plan: PlanVersion = {
    ...{ id: 'studio-v1', version: 1, currency: 'AUD', basePriceCents: 5000, proration: 'daily' },
    items: [
      {
        ...{ resourceKind: 'gb', includedQty: '100', hardCapQty: '180', overagePriceCents: 2 },
        ...{ overageUnit: 'gb_month', definedUnit: null },
      },
    ],
  };
  const more = { code: 'more', resourceKind: 'gb', qty: '50', priceCents: 100 };
  expect(quoteToJson(quote(plan, [more], { usage: {} })).first_invoice.allowances).toEqual([
    {
      ...{ resource_kind: 'gb', included_qty: '100', addon_qty: '50' },
      ...{ allowance: '150', hard_cap_qty: '180' },
    },
  ]);
});
