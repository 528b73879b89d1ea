import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sumCents } from '../../src/domain/cents.ts';
import { GST_RATE, invoiceTotals, taxLine } from '../../src/domain/invoice-totals.ts';
import { divideHalfUp, domainError } from './_arbitraries.ts';

test.each([
  [[], 0, 0, 0],
  [[4], 4, 0, 4],
  [[5], 5, 1, 6],
  [[14], 14, 1, 15],
  [[15], 15, 2, 17],
  [[5000, 750, 500, 100], 6350, 635, 6985],
])('lines of %j add up to %d + %d = %d', (lines, subtotalCents, taxCents, totalCents) => {
  expect(invoiceTotals(lines)).toStrictEqual({ subtotalCents, taxCents, totalCents });
});

test('tax is a tenth of the subtotal, rounded half up in exact integers', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), (lines) => {
      const { subtotalCents, taxCents, totalCents } = invoiceTotals(lines);
      expect(BigInt(taxCents)).toBe(divideHalfUp(BigInt(subtotalCents), 10n));
      const tax = taxLine(taxCents)?.amountCents ?? 0;
      expect(sumCents([...lines, tax])).toBe(totalCents);
    }),
  );
});

test('builds the tax line', () => {
  expect(taxLine(635)).toStrictEqual({
    kind: 'tax',
    resourceKind: null,
    description: 'GST (10%)',
    qty: '1',
    unit: 'invoice',
    unitPriceCents: null,
    amountCents: 635,
    meta: { rate: '0.10' },
  });
  expect(GST_RATE).toBe('0.10');
});

test('builds no tax line without tax', () => {
  expect(taxLine(0)).toBeNull();
});

test.each([
  ['the subtotal', [Number.MAX_SAFE_INTEGER, 1]],
  ['the total', [Number.MAX_SAFE_INTEGER]],
])('rejects a %s beyond 2^53 − 1', (_what, lines) => {
  expect(() => invoiceTotals(lines)).toThrow(
    expect.objectContaining(domainError('amount_out_of_range')),
  );
});

test('sums exactly even if an intermediate step is not a safe integer', () => {
  const most = Number.MAX_SAFE_INTEGER;
  expect(sumCents([most, 2, -2])).toBe(most);
});

test.each([0.5, NaN, 2 ** 53])('rejects %d as an amount', (cents) => {
  expect(() => sumCents([cents])).toThrow(expect.objectContaining(domainError('invalid_amount')));
});
