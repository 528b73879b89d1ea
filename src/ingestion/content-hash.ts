import { hash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical.ts';
import type { JsonValue } from '../domain/types.ts';

/**
 * SHA-256, in hex, of what an event means, whatever the order of its fields. The caller passes what
 * the ledger keeps: defaults filled in, `"1.50"` as `"1.5"`, instants in UTC to the microsecond. Two
 * events with one id are the same event if their hashes are equal (docs/spec.md#usage).
 */
export function contentHash(content: Readonly<Record<string, JsonValue | undefined>>): string {
  // What comes sorted, and with nothing inside, is canonical as JSON has it, in a fraction of the time.
  if (isSortedAndFlat(content)) return hash('sha256', JSON.stringify(content));
  const present = Object.entries(content).filter(
    (entry): entry is [string, JsonValue] => entry[1] !== undefined,
  );
  return hash('sha256', canonicalJson(Object.fromEntries(present)));
}

/** JSON has no names for what is undefined; a number that isn't a safe integer is to be refused. */
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
