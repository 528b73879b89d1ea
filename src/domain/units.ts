import { Decimal, toDecimalString } from './decimal.ts';
import { DomainError } from './errors.ts';
import { parseQuantity } from './quantity.ts';
import type { DefinedUnit, JsonObject, PlanItem } from './types.ts';

/** Base units (tokens, hours, …) per unit of a price, for the units that every catalogue has. */
const BUILT_IN: ReadonlyMap<string, number> = new Map([
  ['1k_tokens', 1000],
  ['1m_tokens', 1_000_000],
  ['hour', 1],
  ['gb_month', 1],
  ['gb', 1],
  ['zone', 1],
  ['snapshot', 1],
]);

/** The codes of the units that every catalogue has. */
export const BUILT_IN_UNITS: readonly string[] = [...BUILT_IN.keys()];

/** Units of lines that are not overage. The catalogue can't define them, so that they keep their meaning. */
export const LINE_UNITS: readonly string[] = ['month', 'request', 'item', 'credit', 'invoice'];

/** A unit of the catalogue with its code. Its factor is a canonical decimal string. */
export interface Unit extends DefinedUnit {
  readonly code: string;
  readonly factor: string;
}

/** Returns the factor of a built-in unit; 1 for any other unit, and for none (docs/spec.md#overage). */
export function builtInFactor(unit: string | null): number {
  return (unit === null ? undefined : BUILT_IN.get(unit)) ?? 1;
}

/**
 * Returns how many base units the price of an item is for.
 * @throws DomainError `invalid_quantity`: a factor that is not a decimal above 0
 */
export function unitFactor({ overageUnit, definedUnit }: PlanItem): Decimal {
  if (definedUnit === null) return new Decimal(builtInFactor(overageUnit));
  const what = `Factor of unit ${overageUnit ?? '(none)'}`;
  const factor = parseQuantity(definedUnit.factor, what);
  if (factor.isZero()) throw new DomainError('invalid_quantity', `${what}: 0 is not above 0`);
  return factor;
}

/** Returns what a line's `meta` says about its unit; nothing about a built-in one. */
export function unitMeta({ definedUnit }: PlanItem, factor: Decimal): JsonObject {
  if (definedUnit === null) return {};
  const { label, labelPlural } = definedUnit;
  return {
    unit_factor: toDecimalString(factor),
    unit_label: label,
    ...(labelPlural !== null && { unit_label_plural: labelPlural }),
  };
}
