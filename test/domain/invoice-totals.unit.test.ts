import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sumCents } from '../../src/domain/cents.ts';
import {
  chargedTreatment,
  DEFAULT_TREATMENT,
  invoiceTotals,
  SUBTOTAL_KINDS,
  taxLine,
  type TaxTreatment,
} from '../../src/domain/invoice-totals.ts';
import { divideHalfUp, domainError } from './_arbitraries.ts';

const rated = (rate: string, label = 'GST'): TaxTreatment => ({
  code: 'other',
  label,
  rate,
  note: null,
});

test.each([
  [[], '0.10', 0, 0, 0],
  [[4], '0.10', 4, 0, 4],
  [[5], '0.10', 5, 1, 6],
  [[14], '0.10', 14, 1, 15],
  [[15], '0.10', 15, 2, 17],
  [[5000, 750, 500, 100], '0.10', 6350, 635, 6985],
  [[6235], '0.125', 6235, 779, 7014],
  [[4], '0.125', 4, 1, 5],
  [[6235], '0', 6235, 0, 6235],
  // Credits: half away from zero.
  [[10, -15], '0.10', -5, -1, -6],
  [[-4], '0.10', -4, 0, -4],
])(
  'lines of %j at %s add up to %d + %d = %d',
  (lines, rate, subtotalCents, taxCents, totalCents) => {
    const totals = invoiceTotals(lines, rated(rate));
    expect(totals).toStrictEqual({
      subtotalCents,
      taxableCents: subtotalCents,
      taxCents,
      totalCents,
    });
  },
);

test('tax is the rate times the subtotal, rounded half away from zero in exact integers', () => {
  const millionth = 1_000_000n;
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.nat(999_999), (lines, millionths) => {
      const rate = `0.${String(millionths).padStart(6, '0')}`;
      const { subtotalCents, taxCents, totalCents } = invoiceTotals(lines, rated(rate));
      const product = BigInt(subtotalCents) * BigInt(millionths);
      const size = divideHalfUp(product < 0n ? -product : product, millionth);
      expect(BigInt(taxCents)).toBe(product < 0n ? -size : size);
      const tax = taxLine(taxCents, rated(rate))?.amountCents ?? 0;
      expect(sumCents([...lines, tax])).toBe(totalCents);
    }),
  );
});

test.each([
  [DEFAULT_TREATMENT, 'GST (10%)', '0.10'],
  [rated('0.125'), 'GST (12.5%)', '0.125'],
  [rated('0.2', 'VAT'), 'VAT (20%)', '0.2'],
  [rated('0.08875', 'Sales tax'), 'Sales tax (8.875%)', '0.08875'],
])('builds the tax line of %j', (treatment, description, rate) => {
  expect(taxLine(635, treatment)).toStrictEqual({
    kind: 'tax',
    resourceKind: null,
    description,
    qty: '1',
    unit: 'invoice',
    unitPriceCents: null,
    amountCents: 635,
    meta: { rate },
  });
});

test('builds a line for the tax of a credit, and none without tax', () => {
  expect(taxLine(-1, DEFAULT_TREATMENT)?.amountCents).toBe(-1);
  expect(taxLine(0, DEFAULT_TREATMENT)).toBeNull();
});

test('by default the tax is GST of 10 %', () => {
  expect(DEFAULT_TREATMENT).toEqual({ code: 'gst', label: 'GST', rate: '0.10', note: null });
});

test('a seller that is not registered charges no tax under any treatment', () => {
  const treatment = rated('0.15');
  expect(chargedTreatment({ treatment, sellerRegistered: true })).toBe(treatment);
  const { taxCents } = invoiceTotals(
    [10_000],
    chargedTreatment({ treatment, sellerRegistered: false }),
  );
  expect(taxCents).toBe(0);
});

test.each([
  ['subtotal', [Number.MAX_SAFE_INTEGER, 1], []],
  ['subtotal', [Number.MAX_SAFE_INTEGER], [1]],
  ['total', [Number.MAX_SAFE_INTEGER], []],
])('rejects a %s beyond 2^53 − 1 by its name', (what, taxable, untaxed) => {
  expect(() => invoiceTotals(taxable, DEFAULT_TREATMENT, untaxed)).toThrow(
    expect.objectContaining({
      ...domainError('amount_out_of_range'),
      message: expect.stringContaining(`The invoice's ${what} would be `) as string,
    }),
  );
});

test('sums exactly even if an intermediate step is not a safe integer', () => {
  const most = Number.MAX_SAFE_INTEGER;
  expect(sumCents([most, 2, -2])).toBe(most);
});

test.each([0.5, NaN, 2 ** 53])('rejects %d as an amount', (cents) => {
  expect(() => sumCents([cents])).toThrow(expect.objectContaining(domainError('invalid_amount')));
});

test('the subtotal is made of lines of all kinds but tax', () => {
  expect(SUBTOTAL_KINDS).toEqual([
    ...['plan_base', 'addon', 'overage', 'llm_usage', 'item', 'credit'],
  ]);
});
