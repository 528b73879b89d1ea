import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findJsonFlaw, MAX_DEPTH } from '../../src/lib/json-flaw.ts';
import { toPointer } from '../../src/lib/json-pointer.ts';

describe('a duplicate name', () => {
  test.each([
    ['{"a":1,"a":1}', '/a'],
    ['{"a":1,"b":2,"a":3}', '/a'],
    ['{"a":1,"\\u0061":2}', '/a'],
    ['{"events":[{"x":1},{"x":{"y":[],"y":{}}}]}', '/events/1/x/y'],
    ['[0,[1],{"a/b~":1,"a/b~":2}]', '/2/a~1b~0'],
    [' { "" : 1 , "" : 2 } ', '/'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__'],
    [String.raw`{"a\"":"\\","a\"":2}`, '/a"'],
    ['[{"a":{}},"x",{"b":1,"b":2}]', '/2/b'],
    [`{"${'n'.repeat(101)}":1,"${'n'.repeat(101)}":2}`, `/${'n'.repeat(100)}`],
  ])('%s: at %s', (json, pointer) => {
    // Otherwise the case would prove nothing.
    expect(() => JSON.parse(json) as unknown).not.toThrow();
    const { path, detail } = findJsonFlaw(json)!;
    expect([toPointer(path), detail]).toEqual([pointer, 'this name appears twice in its object']);
  });

  test.each([
    '{"a":{"a":{"a":"a"}},"b":["a","a",{"a":1},{"a":1}]}',
    '["a","a"]',
    '{"a":"a","b":"a,\\"b\\":"}',
    '"a"',
    '1',
    '{}',
    '{"a":1,"A":2}',
    '[{"a":1},"a",{"a":["a","a"]},"a"]',
  ])('is not found in %s', (json) => {
    expect(() => JSON.parse(json) as unknown).not.toThrow();
    expect(findJsonFlaw(json)).toBeNull();
  });

  test('is found in exactly the objects that have one', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(value, fc.string(), value, value, (other, name, first, second) => {
        const entry = (content: unknown) => `${JSON.stringify(name)}:${JSON.stringify(content)}`;
        const once = `[${JSON.stringify(other)},{${entry(first)}}]`;
        const twice = `[${JSON.stringify(other)},{${entry(first)},${entry(second)}}]`;
        expect(findJsonFlaw(once)).toBeNull();
        expect(findJsonFlaw(twice)?.detail).toBe('this name appears twice in its object');
        expect(findJsonFlaw(JSON.stringify(other, null, 2))).toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});

describe('nesting', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

  test('is accepted up to 32 levels', () => {
    expect(findJsonFlaw(nested(MAX_DEPTH))).toBeNull();
    expect(findJsonFlaw(nested(MAX_DEPTH + 1))?.detail).toBe('nested deeper than 32 levels');
  });

  test('is detected before the text ends, and ignores brackets within strings', () => {
    expect(findJsonFlaw('{"a":'.repeat(1_000_000))?.detail).toBe('nested deeper than 32 levels');
    expect(findJsonFlaw(JSON.stringify('['.repeat(100)))).toBeNull();
  });
});

test('scans any text to its end', () => {
  const anyText = fc.string({ unit: fc.constantFrom(...'{}[]",:\\ua0 '), maxLength: 40 });
  fc.assert(
    fc.property(anyText, (text) => {
      const flaw = findJsonFlaw(text);
      expect(flaw === null || toPointer(flaw.path).startsWith('/')).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
