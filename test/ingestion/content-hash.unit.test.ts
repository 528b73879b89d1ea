import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentHash } from '../../src/ingestion/content-hash.ts';

test('is the SHA-256 of the canonical text, for ever: it is stored with each event', () => {
  const sha256 = createHash('sha256').update('{"a":1,"b":"2"}').digest('hex');
  expect(contentHash({ b: '2', a: 1 })).toBe(sha256);
});

test('a field that was not sent is no content; one that is null is', () => {
  expect(contentHash({ a: '1', b: undefined })).toBe(contentHash({ a: '1' }));
  expect(contentHash({ a: '1', b: null })).not.toBe(contentHash({ a: '1' }));
  expect(contentHash({ a: undefined })).toBe(contentHash({}));
});

const anyContent = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'),
  fc.oneof(fc.constantFrom('1', ''), fc.constantFrom(0, 1), fc.constant(null), fc.boolean()),
  { noNullPrototype: true },
);

/** Sorted by key, and so the same text for the same content. */
const spelt = (content: object) => JSON.stringify(Object.entries(content).sort());

test('is the same for the same content, in whatever order, and for no other', () => {
  fc.assert(
    fc.property(anyContent, anyContent, (a, b) => {
      const reversed = Object.fromEntries(Object.entries(a).reverse());
      expect(contentHash(reversed)).toBe(contentHash(a));
      expect(contentHash(a) === contentHash(b)).toBe(spelt(a) === spelt(b));
    }),
  );
});
