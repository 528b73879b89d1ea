import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentHash } from '../../src/ingestion/content-hash.ts';

test('is the SHA-256 of the canonical text, and never changes because it is stored', () => {
  const sha256 = createHash('sha256').update('{"a":1,"b":"2"}').digest('hex');
  expect(contentHash({ b: '2', a: 1 })).toBe(sha256);
});

test('ignores fields that were not sent, but not null', () => {
  expect(contentHash({ a: '1', b: undefined })).toBe(contentHash({ a: '1' }));
  expect(contentHash({ a: '1', b: null })).not.toBe(contentHash({ a: '1' }));
  expect(contentHash({ a: undefined })).toBe(contentHash({}));
});

test('ignores the order of names in nested objects', () => {
  const sha256 = createHash('sha256').update('{"a":{"b":"1","c":"2"},"d":1}').digest('hex');
  expect(contentHash({ a: { b: '1', c: '2' }, d: 1 })).toBe(sha256);
  expect(contentHash({ d: 1, a: { c: '2', b: '1' } })).toBe(sha256);
  expect(contentHash({ a: { c: '2', b: '1' }, d: 1 })).toBe(sha256);
});

const anyContent = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'),
  fc.oneof(fc.constantFrom('1', ''), fc.constantFrom(0, 1), fc.constant(null), fc.boolean()),
  { noNullPrototype: true },
);

/** Sorted by key, so that the same content has the same text. */
const spelt = (content: object) => JSON.stringify(Object.entries(content).sort());

test('is equal exactly for equal content, in any order', () => {
  fc.assert(
    fc.property(anyContent, anyContent, (a, b) => {
      const reversed = Object.fromEntries(Object.entries(a).reverse());
      expect(contentHash(reversed)).toBe(contentHash(a));
      expect(contentHash(a) === contentHash(b)).toBe(spelt(a) === spelt(b));
    }),
  );
});
