/** How many base units (tokens, hours, ...) one overage unit holds. */
const FACTORS: ReadonlyMap<string, number> = new Map([
  ['1k_tokens', 1000],
  ['hour', 1],
  ['gb_month', 1],
  ['gb', 1],
  ['zone', 1],
  ['snapshot', 1],
]);

/** The overage units that the catalogue takes in. */
export const OVERAGE_UNITS: readonly string[] = [...FACTORS.keys()];

/** Whether the catalogue takes in a plan with this unit; exact, `"1K_tokens"` is another one. */
export function isOverageUnit(unit: string): boolean {
  return FACTORS.has(unit);
}

/** The unit's factor: 1 for all but thousands, units that aren't listed included (docs/spec.md#overage). */
export function overageUnitFactor(unit: string | null): number {
  return (unit === null ? undefined : FACTORS.get(unit)) ?? 1;
}
