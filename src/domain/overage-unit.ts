/** Base units (tokens, hours, ...) per overage unit. */
const FACTORS: ReadonlyMap<string, number> = new Map([
  ['1k_tokens', 1000],
  ['hour', 1],
  ['gb_month', 1],
  ['gb', 1],
  ['zone', 1],
  ['snapshot', 1],
]);

/** The overage units that the catalogue accepts. */
export const OVERAGE_UNITS: readonly string[] = [...FACTORS.keys()];

/** Whether the catalogue accepts a plan with this unit. Case matters: `"1K_tokens"` is unknown. */
export function isOverageUnit(unit: string): boolean {
  return FACTORS.has(unit);
}

/** Returns the unit's factor: 1 except for thousands, also for unlisted units (docs/spec.md#overage). */
export function overageUnitFactor(unit: string | null): number {
  return (unit === null ? undefined : FACTORS.get(unit)) ?? 1;
}
