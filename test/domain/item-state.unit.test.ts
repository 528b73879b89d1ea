import { expect, test } from 'vitest';
import { waitsFor, type PlacedItem } from '../../src/domain/item-state.ts';

const item = (fields: Partial<PlacedItem>): PlacedItem => ({
  ...{ state: 'pending', month: '2026-05', currency: 'AUD', taxable: true },
  ...{ amount_cents: -5000, rest_cents: -1250, invoices: [] },
  ...fields,
});
const LATER = 'the next invoice of 2026-05 or a later month';

test.each(['withdrawn', 'applied'] as const)('an item that is %s waits for nothing', (state) => {
  expect(waitsFor(item({ state }))).toBeNull();
});

test.each(['pending', 'partly_applied'] as const)(
  'a charge that is %s waits for an invoice',
  (state) => {
    expect(waitsFor(item({ state, amount_cents: 1 }))).toBe(LATER);
  },
);

test.each([
  ['taxable', true],
  ['non-taxable', false],
])('a credit waits for %s charges in the amount of its rest', (kind, taxable) => {
  const expected = `${kind} charges that it can reduce by AUD 12.50, on ${LATER}`;
  expect(waitsFor(item({ taxable }))).toBe(expected);
  expect(waitsFor(item({ taxable, state: 'partly_applied' }))).toBe(expected);
});

test('an item of void invoices waits for the forced reruns of their months', () => {
  const of = (number: string, month: string, status: string) => ({ number, month, status });
  const invoices = [
    of('INV-1', '2026-05', 'void'),
    of('INV-2', '2026-06', 'issued'),
    of('INV-3', '2026-07', 'void'),
  ];
  expect(waitsFor(item({ state: 'voided', invoices }))).toBe(
    'a forced rerun of 2026-05, because INV-1 is void; a forced rerun of 2026-07, because INV-3 is void',
  );
});
