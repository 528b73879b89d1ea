import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical.ts';
import type { JsonValue } from '../../src/domain/types.ts';
import { domainError } from './_arbitraries.ts';

const anyJson = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('value'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
})).value;

test.each([
  ['{"b":1,"a":[true,null,"x"]}', '{"a":[true,null,"x"],"b":1}'],
  ['{ "a" : { "d" : 1 , "c" : 2 } }', '{"a":{"c":2,"d":1}}'],
  ['{"10":1,"9":2}', '{"10":1,"9":2}'],
  ['{"__proto__":{"x":1},"constructor":2}', '{"__proto__":{"x":1},"constructor":2}'],
  ['"\\u20ac\\u000a/"', '"€\\n/"'],
  ['-0', '0'],
  ['1e3', '1000'],
  ['[]', '[]'],
  ['{}', '{}'],
])('%s becomes %s', (text, canonical) => {
  expect(canonicalJson(JSON.parse(text) as JsonValue)).toBe(canonical);
});

test('sorts keys by UTF-16 code units, like RFC 8785', () => {
  // The example of RFC 8785, section 3.2.3, in the expected order.
  const keys = ['\r', '1', '\u0080', 'ö', '€', '😀', '\ufb33'];
  const object = Object.fromEntries(keys.toReversed().map((key) => [key, 0]));
  expect(canonicalJson(object)).toBe(
    `{${keys.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`,
  );
});

test('keeps the content and does not depend on the order of keys', () => {
  fc.assert(
    fc.property(anyJson, (value) => {
      const text = canonicalJson(value);
      // Compared as text with sorted keys, because `toEqual` ignores a key `__proto__`.
      expect(canonicalJson(JSON.parse(text) as JsonValue)).toBe(text);
      expect(JSON.stringify(sortKeys(JSON.parse(text)))).toBe(JSON.stringify(sortKeys(value)));
      expect(canonicalJson(reverseKeys(value))).toBe(text);
    }),
  );
});

test('gives different texts for different contents', () => {
  expect(canonicalJson({ a: '1' })).not.toBe(canonicalJson({ a: 1 }));
  expect(canonicalJson(JSON.parse('{"__proto__":1}') as JsonValue)).not.toBe(canonicalJson({}));
  expect(canonicalJson({ a: null })).not.toBe(canonicalJson({}));
});

test.each([NaN, Infinity, -Infinity, 0.1, 2 ** 53, undefined, 1n, () => 1, Symbol('x')])(
  'refuses %s',
  (value) => {
    for (const wrapped of [value, [value], { a: value }]) {
      expect(() => canonicalJson(wrapped as JsonValue)).toThrow(
        expect.objectContaining(domainError('invalid_json')),
      );
    }
  },
);

test.each([
  ['arrays', '[', ']'],
  ['objects', '{"a":', '}'],
])('accepts up to 64 levels of %s', (_what, open, close) => {
  const nested = (levels: number) => `${open.repeat(levels)}1${close.repeat(levels)}`;
  expect(canonicalJson(JSON.parse(nested(64)) as JsonValue)).toBe(nested(64));
  expect(() => canonicalJson(JSON.parse(nested(65)) as JsonValue)).toThrow(
    expect.objectContaining(domainError('invalid_json')),
  );
});

test('rejects endless nesting before the stack overflows', () => {
  const nested = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as JsonValue;
  expect(() => canonicalJson(nested)).toThrow(expect.objectContaining(domainError('invalid_json')));
});

function mapEntries(
  value: unknown,
  order: (entries: [string, unknown][]) => [string, unknown][],
): unknown {
  if (Array.isArray(value)) return value.map((element) => mapEntries(element, order));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    order(Object.entries(value)).map(([key, member]) => [key, mapEntries(member, order)]),
  );
}

function sortKeys(value: unknown): unknown {
  return mapEntries(value, (entries) => entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function reverseKeys(value: JsonValue): JsonValue {
  return mapEntries(value, (entries) => entries.toReversed()) as JsonValue;
}
