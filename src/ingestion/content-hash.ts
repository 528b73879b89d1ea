import { hash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical.ts';
import type { JsonValue } from '../domain/types.ts';

/**
 * Returns the SHA-256, in hex, of an event's content, regardless of the order of its fields. The caller passes
 * the values that the ledger keeps: defaults filled in, `"1.50"` as `"1.5"`, instants in UTC to the
 * microsecond. Two events with the same id are the same event if their hashes are equal (docs/spec.md#usage).
 */
export function contentHash(content: Readonly<Record<string, JsonValue | undefined>>): string {
  // For sorted and flat content, JSON.stringify is canonical, and much faster.
  if (isSortedAndFlat(content)) return hash('sha256', JSON.stringify(content));
  const present = Object.entries(content).filter(
    (entry): entry is [string, JsonValue] => entry[1] !== undefined,
  );
  return hash('sha256', canonicalJson(Object.fromEntries(present)));
}

/**
 * Returns whether names are sorted and values are strings, safe integers or undefined, which JSON omits.
 * Numbers that aren't safe integers are left to `canonicalJson`, which rejects them.
 */
function isSortedAndFlat(content: Readonly<Record<string, JsonValue | undefined>>): boolean {
  let last = '';
  for (const name of Object.keys(content)) {
    const value = content[name];
    const isPlain = typeof value === 'string' || value === undefined || Number.isSafeInteger(value);
    if (!isPlain || name < last) return false;
    last = name;
  }
  return true;
}
