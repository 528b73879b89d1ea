import { DomainError } from './errors.ts';
import type { JsonObject, JsonValue } from './types.ts';

/** Deeper than any valid content; stops a hostile sender from exhausting the stack. */
const MAX_DEPTH = 64;

/**
 * Returns the same text for the same content, whatever its key order and white space: RFC 8785
 * (keys sorted by UTF-16 code units), with numbers restricted to safe integers. Content hashes are
 * computed from it.
 * @throws DomainError `invalid_json`
 */
export function canonicalJson(value: JsonValue): string {
  return serialize(value, 0);
}

function serialize(value: JsonValue, depth: number): string {
  if (depth > MAX_DEPTH) {
    throw new DomainError('invalid_json', `Nested deeper than ${MAX_DEPTH} levels`);
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number') return serializeInteger(value);
  if (typeof value !== 'object') {
    throw new DomainError('invalid_json', `JSON has no ${typeof value}`);
  }
  return isArray(value)
    ? `[${value.map((element) => serialize(element, depth + 1)).join(',')}]`
    : serializeObject(value, depth);
}

function serializeObject(object: JsonObject, depth: number): string {
  // `entries` reads own properties only, so `__proto__` is an ordinary key.
  const members = Object.entries(object)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${JSON.stringify(key)}:${serialize(value, depth + 1)}`);
  return `{${members.join(',')}}`;
}

function serializeInteger(value: number): string {
  if (!Number.isSafeInteger(value)) {
    throw new DomainError(
      'invalid_json',
      `The number ${value} is not a safe integer: send decimals as strings`,
    );
  }
  return JSON.stringify(value);
}

/** Like `Array.isArray`, but also narrows readonly arrays. */
function isArray(value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] {
  return Array.isArray(value);
}
