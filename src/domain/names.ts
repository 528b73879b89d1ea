import type { JsonObject, PlanVersion } from './types.ts';

/**
 * Returns a name of the catalogue for a line's `meta`; nothing if there is none. Lines keep names, so documents never
 * change their words (docs/spec.md#how-lines-are-shown).
 */
export function nameMeta(
  field: 'plan_name' | 'addon_name' | 'resource_name',
  name: string | null | undefined,
): JsonObject {
  return name === null || name === undefined ? {} : { [field]: name };
}

/** Returns what a plan version calls a resource kind; undefined if it doesn't have the kind. */
export function nameOfKind(kind: string, { items }: PlanVersion): string | null | undefined {
  return items.find(({ resourceKind }) => resourceKind === kind)?.name;
}
