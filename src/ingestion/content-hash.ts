import { hash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical.ts';
import type { JsonValue } from '../domain/types.ts';

/**
 * SHA-256, in hex, of an event as it was sent: before defaults, whatever its order of keys. What
 * has two spellings (`"1.50"` and `"1.5"`, the same instant with another offset) must have been
 * normalised. Two events with one id are the same event if their hashes are equal.
 */
export function contentHash(content: Readonly<Record<string, JsonValue | undefined>>): string {
  const present = Object.entries(content).filter(
    (entry): entry is [string, JsonValue] => entry[1] !== undefined,
  );
  return hash('sha256', canonicalJson(Object.fromEntries(present)));
}
