import fc from 'fast-check';
import type { DomainError } from '../../src/domain/errors.ts';
import { BUILT_IN_UNITS } from '../../src/domain/units.ts';
import type { PlanItem, PlanVersion, QuoteAddon, Usage } from '../../src/domain/types.ts';

const KINDS = ['llm_tokens', 'egress_gb', 'snapshot', 'constructor', '__proto__'];

/** A decimal as a scaled integer: `units / 10^scale`. Results are checked against it. */
export interface Fraction {
  readonly units: bigint;
  readonly scale: number;
}

/** The decimal's text, including trailing zeros. */
export function fractionText({ units, scale }: Fraction): string {
  const digits = units.toString().padStart(scale + 1, '0');
  if (scale === 0) return digits;
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Returns `numerator / denominator`, rounded half up, in integers. */
export function divideHalfUp(numerator: bigint, denominator: bigint): bigint {
  return (2n * numerator + denominator) / (2n * denominator);
}

export const anyFraction: fc.Arbitrary<Fraction> = fc.integer({ min: 0, max: 12 }).chain((scale) =>
  fc
    .oneof(
      fc.bigInt(0n, 10n ** BigInt(scale) * 100n),
      fc.bigInt(0n, 10n ** BigInt(scale + 12) - 1n),
      // Halves, where rounding changes direction.
      fc.bigInt(0n, 2_000_000n).map((halves) => (halves * 10n ** BigInt(scale)) / 2n),
    )
    .map((units) => ({ units, scale })),
);

/** Decimals with up to so many digits before the point and 12 after it. Small and round ones are likely. */
export const anyDecimal = (digits: number): fc.Arbitrary<Fraction> =>
  fc
    .tuple(fc.integer({ min: 0, max: digits }), fc.integer({ min: 0, max: 12 }))
    .chain(([whole, scale]) =>
      fc.bigInt(0n, 10n ** BigInt(whole + scale) - 1n).map((units) => ({ units, scale })),
    );

/** Records with the ordinary prototype, like rows and parsed JSON. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

/** Quantities up to 10,000 with up to 4 decimals. */
export const anyQty = fc
  .tuple(fc.bigInt(0n, 100_000_000n), fc.integer({ min: 0, max: 4 }))
  .map(([units, scale]) => fractionText({ units, scale }));

export const anyPriceCents = fc.integer({ min: 0, max: 1_000_000 });

export const anyItem: fc.Arbitrary<PlanItem> = record({
  resourceKind: fc.constantFrom(...KINDS),
  includedQty: fc.option(anyQty),
  hardCapQty: fc.option(anyQty),
  overagePriceCents: fc.option(fc.oneof(anyPriceCents, anyDecimal(5).map(fractionText))),
  overageUnit: fc.constantFrom(...BUILT_IN_UNITS, 'minute'),
  definedUnit: fc
    .constantFrom(null, null, '0.5', '3', 10)
    .map((factor) => (factor === null ? null : { factor, label: 'block', labelPlural: null })),
});

export const anyPlanVersion: fc.Arbitrary<PlanVersion> = record({
  id: fc.uuid(),
  version: fc.integer({ min: 1, max: 99 }),
  currency: fc.constant('USD'),
  basePriceCents: anyPriceCents,
  proration: fc.constantFrom('daily', 'none'),
  items: fc.uniqueArray(anyItem, { maxLength: 5, selector: ({ resourceKind }) => resourceKind }),
});

export const anyAddon: fc.Arbitrary<QuoteAddon> = record({
  code: fc.constantFrom('small', 'medium', 'large'),
  resourceKind: fc.constantFrom(...KINDS),
  qty: fc.option(anyQty),
  priceCents: anyPriceCents,
});

export const anyAddons: fc.Arbitrary<QuoteAddon[]> = fc.array(anyAddon, { maxLength: 4 });

export const anyUsage: fc.Arbitrary<Usage> = fc.dictionary(
  fc.constantFrom(...KINDS),
  fc.option(anyQty),
  { noNullPrototype: true },
);

export const anyMonth = fc
  .tuple(fc.integer({ min: 2000, max: 2198 }), fc.integer({ min: 1, max: 12 }))
  .map(([year, month]) => `${year}-${String(month).padStart(2, '0')}`);

/** A matcher for the DomainError of a code. */
export function domainError(code: DomainError['code']): Partial<DomainError> {
  return { name: 'DomainError', code };
}
