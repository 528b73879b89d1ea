import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical.ts';
import { checkPrice, sumCents } from '../../src/domain/cents.ts';
import { Decimal, parseDecimal, parseDecimalSum, roundToCents } from '../../src/domain/decimal.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { DEFAULT_TREATMENT, invoiceTotals } from '../../src/domain/invoice-totals.ts';
import { llmUsageLine } from '../../src/domain/llm-lines.ts';
import { overageLines } from '../../src/domain/overage.ts';
import { parseDate, parseMonth } from '../../src/domain/period.ts';
import { monthOfInstant } from '../_util/utc.ts';
import { parseQuantity } from '../../src/domain/quantity.ts';
import { quote } from '../../src/domain/quote.ts';
import { wholeMonth } from '../../src/domain/rated-part.ts';
import type { PlanItem, PlanVersion, QuoteAddon } from '../../src/domain/types.ts';

/**
 * A tenant with bad data is parked with a reason that an operator can act on (docs/spec.md#month-end):
 * these messages are that reason. Each has to name the thing that is wrong, and its value.
 */

const MOST = Number.MAX_SAFE_INTEGER;

const ITEM: PlanItem = {
  resourceKind: 'egress_gb',
  includedQty: 0,
  hardCapQty: null,
  overagePriceCents: 1,
  overageUnit: 'gb',
  definedUnit: null,
};
const PLAN: PlanVersion = {
  id: 'studio-v7',
  version: 7,
  currency: 'AUD',
  basePriceCents: 0,
  proration: 'daily',
  items: [ITEM],
};
const ADDON: QuoteAddon = {
  code: 'storage_50gb',
  resourceKind: 'egress_gb',
  qty: 0,
  priceCents: 0,
};

const quoteOf = (
  plan: Partial<PlanVersion>,
  addons: readonly Partial<QuoteAddon>[] = [],
  usage: Record<string, number | string> = {},
) =>
  quote(
    { ...PLAN, ...plan },
    addons.map((addon) => ({ ...ADDON, ...addon })),
    { usage },
  );

const quoteOfItem = (item: Partial<PlanItem>) =>
  quoteOf({ items: [{ ...ITEM, ...item }] }, [], { egress_gb: 5 });

function reasonOf(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    if (error instanceof DomainError) return error.message;
    throw error;
  }
  throw new Error('expected a DomainError');
}

type Case = [what: string, use: () => unknown, ...named: string[]];

const prices: Case[] = [
  ['base', () => quoteOf({ basePriceCents: -1 }), 'Base price of plan version studio-v7', '-1 '],
  ['addon', () => quoteOf({}, [{ priceCents: 0.5 }]), 'Price of addon storage_50gb', '0.5 '],
  ['overage', () => quoteOfItem({ overagePriceCents: -3 }), 'Overage price of egress_gb', '-3 '],
  [
    'overage as text',
    () => quoteOfItem({ overagePriceCents: '1e-3' }),
    'Overage price of egress_gb',
    '"1e-3" is not a price',
    'such as "0.0425"',
  ],
  ['below zero', () => checkPrice(-1, 'X'), 'below zero'],
  ['not an integer', () => checkPrice(0.5, 'X'), 'whole number of cents'],
];

const quantities: Case[] = [
  ['included', () => quoteOfItem({ includedQty: 'x' }), 'Included quantity of egress_gb', '"x"'],
  ['cap', () => quoteOfItem({ hardCapQty: '-1' }), 'Hard cap of egress_gb', '"-1"'],
  ['addon', () => quoteOf({}, [{ qty: 'x' }]), 'Quantity of addon storage_50gb', '"x"'],
  [
    'addon that lifts an allowance',
    () => overageLines([wholeMonth(PLAN, [{ ...ADDON, qty: 'x' }])], {}),
    'Quantity of addon storage_50gb',
  ],
  ['usage', () => quoteOf({}, [], { egress_gb: 0.5 }), 'Usage of egress_gb', '0.5'],
  [
    'factor',
    () =>
      quoteOfItem({
        overageUnit: 'block',
        definedUnit: { factor: '0', label: 'block', labelPlural: null },
      }),
    'Factor of unit block',
    '0 is not above 0',
  ],
  ['number', () => parseQuantity(0.5, 'X'), 'an integer from 0 to 2^53 − 1, or a decimal string'],
];

const totals: Case[] = [
  [
    'recurring',
    () => quoteOf({ basePriceCents: MOST }, [{ priceCents: 1 }]),
    'The recurring total',
    '9007199254740992 cents',
    'check quantities and prices',
  ],
  [
    'overage',
    () =>
      quoteOf(
        {
          items: ['a', 'b'].map((resourceKind) => ({
            ...ITEM,
            resourceKind,
            overagePriceCents: MOST,
          })),
        },
        [],
        { a: 1, b: 1 },
      ),
    'The overage total',
  ],
  ['all', () => quoteOf({ basePriceCents: MOST }, [], { egress_gb: 1 }), 'The monthly total'],
  ['subtotal', () => invoiceTotals([MOST, 1], DEFAULT_TREATMENT), "The invoice's subtotal"],
  ['total', () => invoiceTotals([MOST], DEFAULT_TREATMENT), "The invoice's total"],
  ['a sum', () => sumCents([MOST, 1]), 'A total would be 9007199254740992 cents'],
  [
    'a line',
    () => quoteOf({}, [], { egress_gb: '9007199254740992' }),
    'Overage of egress_gb would be 9007199254740992 cents',
    'check quantity and price',
  ],
  ['an amount', () => roundToCents(new Decimal('1e16')), 'An amount would be 10000000000000000 '],
];

const unnamedUsage = {
  requestCount: 1,
  exactCents: '1',
  serviceMonth: '2026-05',
  invoiceMonth: '2026-05',
};
const usage = { ...unnamedUsage, deploymentId: 'acme-a' };
const llmUsage: Case[] = [
  [
    'a month that is not over',
    () => llmUsageLine({ ...usage, serviceMonth: '2026-06' }),
    'deployment acme-a, 2026-06',
    'the invoice for 2026-05',
  ],
  ['a count', () => llmUsageLine({ ...usage, requestCount: '1.5' }), 'acme-a, 2026-05', '1.5 requ'],
  [
    'usage of a deployment that was not named',
    () => llmUsageLine({ ...unnamedUsage, requestCount: -1 }),
    'deployment (unnamed), 2026-05',
  ],
];

const texts: Case[] = [
  ['a month', () => parseMonth('May'), '"May" is not a month', '"2026-05"'],
  ['a date', () => parseDate('31.5.'), '"31.5." is not a calendar date', '"2026-05-20"'],
  ['an instant', () => monthOfInstant('noon'), '"noon" is not an instant', 'RFC 3339'],
  ['a decimal', () => parseDecimal('1e3'), '"1e3" is not a decimal', 'without sign, exponent'],
  ['a sent decimal', () => parseDecimal(''), 'at most 12 digits before and 12 after the point'],
  ['a sum', () => parseDecimalSum(''), 'at most 24 digits before and 12 after the point'],
  ['JSON numbers', () => canonicalJson({ a: 0.5 }), '0.5 is not a safe integer', 'as strings'],
  ['JSON types', () => canonicalJson(1n as never), 'JSON has no bigint'],
  ['JSON depth', () => canonicalJson(nested(65)), 'deeper than 64 levels'],
];

/** An array in an array in … */
function nested(levels: number): [] {
  return JSON.parse('['.repeat(levels + 1) + ']'.repeat(levels + 1)) as [];
}

describe.each(Object.entries({ prices, quantities, totals, llmUsage, texts }))(
  'the reason names the cause: %s',
  (_group, cases) => {
    test.each(cases)('%s', (_what, use, ...named) => {
      const reason = reasonOf(use);
      for (const name of named) expect(reason).toContain(name);
    });
  },
);

test('the underlying error is kept for the log', () => {
  expect(() => parseQuantity('x', 'Usage of egress_gb')).toThrow(
    expect.objectContaining({
      cause: expect.objectContaining({ name: 'DomainError', code: 'invalid_decimal' }),
    }),
  );
});
