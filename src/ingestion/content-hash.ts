import { hash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical.ts';
import type { JsonObject, JsonValue } from '../domain/types.ts';

/**
 * Returns the SHA-256, in hex, of an event's content, regardless of the order of its fields. The caller passes
 * the values that the ledger keeps: defaults filled in, `"1.50"` as `"1.5"`, instants in UTC to the
 * microsecond. Two events with the same id are the same event if their hashes are equal (docs/spec.md#usage).
 */
export function contentHash(content: Readonly<Record<string, JsonValue | undefined>>): string {
  // For sorted content, JSON.stringify is canonical, and much faster.
  if (isSorted(content)) return hash('sha256', JSON.stringify(content));
  const present = Object.entries(content).filter(
    (entry): entry is [string, JsonValue] => entry[1] !== undefined,
  );
  return hash('sha256', canonicalJson(Object.fromEntries(present)));
}

/**
 * Returns whether names are sorted and values are strings, safe integers, objects of which the same is true, or
 * undefined, which JSON omits. The rest is left to `canonicalJson`, which rejects numbers that aren't safe integers.
 */
function isSorted(content: Readonly<Record<string, JsonValue | undefined>>): boolean {
  let last = '';
  for (const name of Object.keys(content)) {
    const value = content[name];
    const isPlain =
      typeof value === 'string' ||
      value === undefined ||
      (isObject(value) ? isSorted(value) : Number.isSafeInteger(value));
    if (!isPlain || name < last) return false;
    last = name;
  }
  return true;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
