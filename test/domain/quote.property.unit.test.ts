import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Decimal } from '../../src/domain/decimal.ts';
import { quote } from '../../src/domain/quote.ts';
import { builtInFactor } from '../../src/domain/units.ts';
import type { PlanVersion, Quote, QuoteLine } from '../../src/domain/types.ts';
import {
  anyAddons,
  anyDecimal,
  anyItem,
  anyMonth,
  anyPlanVersion,
  anyPriceCents,
  anyQty,
  anyUsage,
  divideHalfUp,
  fractionText,
  type Fraction,
} from './_arbitraries.ts';

const anyStart = fc
  .tuple(anyMonth, fc.integer({ min: 1, max: 28 }))
  .map(([month, day]) => `${month}-${String(day).padStart(2, '0')}`);

function amounts(lines: readonly QuoteLine[]): number[] {
  return lines.map(({ amountCents }) => amountCents);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

test('totals are the sums of their lines', () => {
  fc.assert(
    fc.property(anyPlanVersion, anyAddons, anyUsage, anyStart, (plan, addons, usage, startsOn) => {
      const { recurring, overage, firstInvoice, allInMonthlyCents } = quote(plan, addons, {
        usage,
        startsOn,
      });
      expect(recurring.monthlyTotalCents).toBe(sum(amounts(recurring.lines)));
      expect(overage.monthlyTotalCents).toBe(sum(amounts(overage.lines)));
      expect(firstInvoice.proratedTotalCents).toBe(sum(amounts(firstInvoice.lines)));
      expect(firstInvoice.lines).toHaveLength(recurring.lines.length);
      expect(allInMonthlyCents).toBe(recurring.monthlyTotalCents + overage.monthlyTotalCents);
    }),
  );
});

test('the start date only changes the first invoice, and usage only the overage', () => {
  fc.assert(
    fc.property(anyPlanVersion, anyAddons, anyUsage, anyStart, (plan, addons, usage, startsOn) => {
      const full = quote(plan, addons, { usage, startsOn });
      const withoutStart = quote(plan, addons, { usage });
      const withoutUsage = quote(plan, addons, { usage: null, startsOn });
      expect(full.overage).toStrictEqual(withoutStart.overage);
      expect(full.recurring).toStrictEqual(withoutStart.recurring);
      expect(full.recurring).toStrictEqual(withoutUsage.recurring);
      expect(full.firstInvoice).toStrictEqual(withoutUsage.firstInvoice);
    }),
  );
});

test('does not modify its input, and gives the same quote for the same input', () => {
  fc.assert(
    fc.property(anyPlanVersion, anyAddons, anyUsage, (plan, addons, usage) => {
      const before = structuredClone({ plan, addons });
      expect(quote(plan, addons, { usage })).toStrictEqual(quote(plan, addons, { usage }));
      expect({ plan, addons }).toStrictEqual(before);
    }),
  );
});

test('the order of addons only decides the order of lines', () => {
  fc.assert(
    fc.property(anyPlanVersion, anyAddons, anyUsage, (plan, addons, usage) => {
      const forth = quote(plan, addons, { usage });
      const back = quote(plan, addons.toReversed(), { usage });
      expect(back.overage).toStrictEqual(forth.overage);
      expect(back.allInMonthlyCents).toBe(forth.allInMonthlyCents);
      expect(back.recurring.lines.slice(1)).toStrictEqual(
        forth.recurring.lines.slice(1).toReversed(),
      );
    }),
  );
});

function onePlan(item: PlanVersion['items'][number]): PlanVersion {
  return {
    id: 'pv',
    version: 1,
    currency: 'USD',
    basePriceCents: 0,
    proration: 'daily',
    items: [item],
  };
}

function overageOf({ overage }: Quote): { qty: Decimal; cents: number } {
  const [line] = overage.lines;
  return { qty: new Decimal(line?.qty ?? 0), cents: line?.amountCents ?? 0 };
}

test('more usage never costs less, and a larger allowance or a cap never costs more', () => {
  fc.assert(
    fc.property(anyItem, anyQty, anyQty, anyQty, (item, qtyA, qtyB, lift) => {
      const kind = item.resourceKind;
      const addon = { code: 'lift', resourceKind: kind, qty: lift, priceCents: 0 };
      const [less, more] = new Decimal(qtyA).lessThan(qtyB) ? [qtyA, qtyB] : [qtyB, qtyA];
      const use = (used: string, addons = [] as (typeof addon)[], plan = onePlan(item)) =>
        overageOf(quote(plan, addons, { usage: Object.fromEntries([[kind, used]]) }));

      expect(use(less).cents).toBeLessThanOrEqual(use(more).cents);
      expect(use(more, [addon]).cents).toBeLessThanOrEqual(use(more).cents);
      const uncapped = use(more, [], onePlan({ ...item, hardCapQty: null }));
      expect(use(more).cents).toBeLessThanOrEqual(uncapped.cents);
      if (item.hardCapQty !== null) {
        const beyond = Decimal.max(more, item.hardCapQty).toFixed();
        expect(use(more).qty.lessThanOrEqualTo(item.hardCapQty)).toBe(true);
        expect(use(beyond)).toStrictEqual(use(String(item.hardCapQty)));
      }
    }),
  );
});

test('overage amounts match exact integer arithmetic, for any quantity, price and unit', () => {
  // As wide as they get: sums of 24 + 12 digits, prices of 16 + 12, factors of 12 + 12.
  const anyUsed = anyDecimal(24);
  const anyPrice = anyDecimal(16);
  const anyUnit = fc.oneof(
    fc.constantFrom<[string, Fraction | null]>(
      ['gb', null],
      ['1k_tokens', { units: 1000n, scale: 0 }],
      ['1m_tokens', { units: 1_000_000n, scale: 0 }],
    ),
    anyDecimal(12)
      .filter(({ units }) => units > 0n)
      .map((factor): [string, Fraction] => ['defined', factor]),
  );
  fc.assert(
    fc.property(anyUsed, anyPrice, anyUnit, (used, price, [overageUnit, factor]) => {
      const plan = onePlan({
        resourceKind: 'kind',
        includedQty: 0,
        hardCapQty: null,
        overagePriceCents: fractionText(price),
        overageUnit,
        definedUnit:
          overageUnit === 'defined' && factor !== null
            ? { factor: fractionText(factor), label: 'block', labelPlural: null }
            : null,
      });
      const { units: divisor, scale } = factor ?? { units: 1n, scale: 0 };
      const expected = divideHalfUp(
        used.units * price.units * 10n ** BigInt(scale),
        divisor * 10n ** BigInt(used.scale + price.scale),
      );
      const actual = () =>
        overageOf(quote(plan, [], { usage: { kind: fractionText(used) } })).cents;
      if (expected > BigInt(Number.MAX_SAFE_INTEGER)) expect(actual).toThrow('can be billed');
      else expect(BigInt(actual())).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

test('half a cent is rounded up, and the nearest quotient below it down', () => {
  // The largest factor, 999999999999.999999999999, and prices and quantities as multiples of 10^-12: an amount
  // is quantity × price ÷ modulus.
  const factor = { units: 10n ** 24n - 1n, scale: 12 };
  const modulus = factor.units * 10n ** 12n;
  const anyPrice = fc.bigInt(1n, 10n ** 15n).filter((price) => inverse(price, modulus) !== null);
  fc.assert(
    fc.property(anyPrice, fc.constantFrom(0n, 1n), (price, below) => {
      const used = ((modulus / 2n - below) * (inverse(price, modulus) ?? 0n)) % modulus;
      const plan = onePlan({
        resourceKind: 'kind',
        includedQty: null,
        hardCapQty: null,
        overagePriceCents: fractionText({ units: price, scale: 12 }),
        overageUnit: 'defined',
        definedUnit: { factor: fractionText(factor), label: 'block', labelPlural: null },
      });
      const usage = { kind: fractionText({ units: used, scale: 12 }) };
      const { cents } = overageOf(quote(plan, [], { usage }));
      expect(BigInt(cents)).toBe((used * price) / modulus + 1n - below);
    }),
  );
});

/** Returns the inverse of a number modulo another one; null if they have a common divisor. */
function inverse(number: bigint, modulus: bigint): bigint | null {
  let [a, b, x, y] = [number % modulus, modulus, 1n, 0n];
  while (a !== 0n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
  return b === 1n ? ((y % modulus) + modulus) % modulus : null;
}

test('a line states its quantity and price, and their product is its amount before rounding', () => {
  fc.assert(
    fc.property(anyPlanVersion, anyAddons, anyUsage, (plan, addons, usage) => {
      for (const line of quote(plan, addons, { usage }).overage.lines) {
        const { unit, meta, qty, unitPriceCents, amountCents } = line;
        const defined = meta.unit_factor;
        const factor = typeof defined === 'string' ? defined : builtInFactor(unit);
        const exact = new Decimal(qty).times(String(unitPriceCents)).dividedBy(factor);
        expect(exact.minus(amountCents).abs().lessThanOrEqualTo(0.5)).toBe(true);
      }
    }),
  );
});

test('prorated amounts match exact integer arithmetic', () => {
  const anyBase = fc.oneof(anyPriceCents, fc.maxSafeNat());
  fc.assert(
    fc.property(anyBase, anyStart, (basePriceCents, startsOn) => {
      const plan = {
        id: 'pv',
        version: 1,
        currency: 'USD',
        basePriceCents,
        proration: 'daily' as const,
        items: [],
      };
      const { firstInvoice } = quote(plan, [], { usage: null, startsOn });
      const days = Number(firstInvoice.periodEnd?.slice(-2));
      const remaining = days - Number(startsOn.slice(-2)) + 1;
      expect(BigInt(firstInvoice.proratedTotalCents)).toBe(
        divideHalfUp(BigInt(basePriceCents) * BigInt(remaining), BigInt(days)),
      );
    }),
    { numRuns: 500 },
  );
});
