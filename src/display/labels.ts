/**
 * What the catalogue calls plans, addons, resource kinds and its own units. Plain data, so that it can be sent to the
 * rendering thread.
 */
export interface Labels {
  /** By plan version id. */
  readonly plans: Readonly<Record<string, string>>;
  /** By code. */
  readonly addons: Readonly<Record<string, string>>;
  readonly resourceKinds: Readonly<Record<string, string>>;
  readonly units: Readonly<Record<string, string>>;
}

export const NO_LABELS: Labels = { plans: {}, addons: {}, resourceKinds: {}, units: {} };

/** Returns the name of a code, or null if it has none. Codes such as `constructor` are ordinary ones. */
export function labelOf(names: Readonly<Record<string, string>>, code: string): string | null {
  return Object.hasOwn(names, code) ? (names[code] ?? null) : null;
}

/** Returns the name of a resource kind, or its code in words. */
export function kindName(resourceKind: string, { resourceKinds }: Labels): string {
  return labelOf(resourceKinds, resourceKind) ?? humanise(resourceKind);
}

/** Returns the name of a plan version's plan; null if it is unknown. */
export function planName(planVersionId: string, { plans }: Labels): string | null {
  return labelOf(plans, planVersionId);
}

/** Returns the name of an addon, or its code in words. */
export function addonName(code: string, { addons }: Labels): string {
  return labelOf(addons, code) ?? humanise(code);
}

const ACRONYMS = new Set(['api', 'cpu', 'dns', 'gb', 'gpu', 'ip', 'llm', 'mb', 'ssd', 'tb', 'vm']);

/** Returns a code in words, for what has no name: `llm_tokens` → `LLM tokens`, `storage_50gb` → `Storage 50 GB`. */
export function humanise(code: string): string {
  const words = code
    .replaceAll(/(?<=\d)(?=(?:gb|mb|tb)(?![a-z0-9]))/g, ' ')
    .split(/[_\s-]+/)
    .filter(Boolean)
    .map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : word))
    .join(' ');
  return words === '' ? code : words.charAt(0).toUpperCase() + words.slice(1);
}
