import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assembleInvoice } from '../../src/domain/compose-invoice.ts';
import type { DeploymentLine } from '../../src/domain/deployment-lines.ts';
import { itemLines, type FreeItem } from '../../src/domain/invoice-items.ts';
import { DEFAULT_TAX } from '../../src/domain/invoice-totals.ts';
import { domainError } from './_arbitraries.ts';

const MONTH = '2026-05';

/** An item of which nothing is taken yet. */
function item(itemId: string, amountCents: number, more: Partial<FreeItem> = {}): FreeItem {
  const fields = { month: MONTH, description: itemId, taxable: true, ...more };
  return { itemId, amountCents, freeCents: amountCents, ...fields };
}
const untaxed = { taxable: false };

/** What an invoice takes, by item. */
function taken(items: readonly FreeItem[], chargesCents: number): readonly [string, number][] {
  return itemLines(items, chargesCents, MONTH).map(({ itemId, amountCents }) => [
    itemId ?? '',
    amountCents,
  ]);
}

describe('an invoice takes', () => {
  test.each<[string, readonly FreeItem[], number, readonly [string, number][]]>([
    ['nothing without items', [], 5000, []],
    ['nothing of a charge that is taken', [item('a', 250, { freeCents: 0 })], 0, []],
    ['a charge whole, with or without other lines', [item('a', 250)], 0, [['a', 250]]],
    ['a credit up to the charges', [item('a', -100)], 5000, [['a', -100]]],
    ['only as much of a credit as there are charges', [item('a', -100)], 60, [['a', -60]]],
    ['no credit without charges', [item('a', -100)], 0, []],
    [
      'a credit before the charge that it reduces',
      [item('a', -100), item('b', 70)],
      0,
      [
        ['a', -70],
        ['b', 70],
      ],
    ],
    [
      'credits in their order, until the charges are used up',
      [item('a', -30), item('b', -50), item('c', -10)],
      60,
      [
        ['a', -30],
        ['b', -30],
      ],
    ],
    [
      'taxable credits only against taxable charges, other credits against the others',
      [item('a', -100), item('b', -100, untaxed), item('c', 40, untaxed)],
      60,
      [
        ['a', -60],
        ['b', -40],
        ['c', 40],
      ],
    ],
    ['what is free of a credit', [item('a', -100, { freeCents: -25 })], 60, [['a', -25]]],
  ])('%s', (_what, items, charges, expected) => {
    expect(taken(items, charges)).toEqual(expected);
  });
});

test('a line says what the item says, its month if it is an earlier one, and the whole credit if it takes a part', () => {
  const lines = itemLines(
    [
      item('late', 250, { month: '2026-04', description: 'Workshop', taxable: false }),
      item('part', -100, { description: 'Outage' }),
    ],
    60,
    MONTH,
  );
  const common = { kind: 'item', deploymentId: null, subscriptionId: null, resourceKind: null };
  const one = { ...common, qty: '1', unit: 'item', unitPriceCents: null };
  expect(lines).toStrictEqual([
    {
      ...one,
      itemId: 'late',
      taxable: false,
      description: 'Workshop',
      amountCents: 250,
      meta: { item_month: '2026-04' },
    },
    {
      ...one,
      itemId: 'part',
      taxable: true,
      description: 'Outage',
      amountCents: -60,
      meta: { item_cents: '-100' },
    },
  ]);
});

test('charges beyond 2^53 − 1 are an error', () => {
  const most = Number.MAX_SAFE_INTEGER;
  expect(() => itemLines([item('a', most), item('b', 1)], 0, MONTH)).toThrow(
    expect.objectContaining(domainError('amount_out_of_range')),
  );
});

const line = (amountCents: number): DeploymentLine => ({
  deploymentId: 'web',
  subscriptionId: null,
  kind: 'llm_usage',
  resourceKind: null,
  description: 'LLM usage',
  qty: '1',
  unit: 'request',
  unitPriceCents: null,
  amountCents,
  meta: {},
});
const assemble = (charges: number, items: readonly FreeItem[]) =>
  assembleInvoice([line(charges)], { month: MONTH, currency: 'AUD', tax: DEFAULT_TAX, items });

test('an invoice has its items between the lines of deployments and tax, and taxes only what is taxable', () => {
  const { lines, ...totals } = assemble(1000, [item('free', 500, untaxed), item('credit', -400)]);
  expect(lines.map(({ lineNo, kind, amountCents }) => [lineNo, kind, amountCents])).toEqual([
    [1, 'llm_usage', 1000],
    [2, 'item', 500],
    [3, 'item', -400],
    [4, 'tax', 60],
  ]);
  expect(totals).toMatchObject({
    ...{ subtotalCents: 1100, taxableCents: 600, taxCents: 60, totalCents: 1160 },
  });
});

test('credits never push the taxable or the other part below 0, and what is left fits what could not be taken', () => {
  const cents = fc.integer({ min: -5000, max: 5000 }).filter((amount) => amount !== 0);
  const items = fc.array(fc.record({ amount: cents, taxable: fc.boolean() }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.nat(5000), items, (charges, given) => {
      const free = given.map(({ amount, taxable }, n) => item(`i${n}`, amount, { taxable }));
      const { lines, subtotalCents, taxableCents, taxCents } = assemble(charges, free);
      const otherCents = subtotalCents - taxableCents;
      expect(Math.min(taxableCents, otherCents, taxCents)).toBeGreaterThanOrEqual(0);
      const amounts = new Map(lines.map(({ itemId, amountCents }) => [itemId, amountCents]));
      for (const { itemId, amountCents, taxable } of free) {
        const took = amounts.get(itemId) ?? 0;
        const isWhole = took === amountCents;
        // A charge is whole; a credit is, unless nothing is left that it could reduce.
        if (amountCents > 0) expect(isWhole).toBe(true);
        else if (!isWhole) expect(taxable ? taxableCents : otherCents).toBe(0);
        expect(took).toBeGreaterThanOrEqual(Math.min(amountCents, 0));
      }
    }),
  );
});

test('successive invoices take no more of a credit than it has', () => {
  const credits = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(credits, fc.array(fc.nat(400), { minLength: 1, maxLength: 8 }), (given, months) => {
      const left = new Map(given.map((amount, n) => [`c${n}`, amount]));
      let charged = 0;
      for (const charges of months) {
        const free = [...left].filter(([, rest]) => rest > 0).map(([id, rest]) => item(id, -rest));
        const { lines, subtotalCents } = assemble(charges, free);
        for (const { itemId, amountCents } of lines) {
          if (itemId !== null) left.set(itemId, (left.get(itemId) ?? 0) + amountCents);
        }
        charged += subtotalCents;
      }
      const sum = (amounts: Iterable<number>) => [...amounts].reduce((a, b) => a + b, 0);
      expect(charged).toBe(sum(months) - (sum(given) - sum(left.values())));
      expect(Math.min(...left.values())).toBeGreaterThanOrEqual(0);
    }),
  );
});
