import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SplitError, splitJson } from '../../../src/cli/litellm/split-json.ts';

async function split(chunks: readonly string[]): Promise<unknown[]> {
  const objects: unknown[] = [];
  for await (const text of splitJson(chunks)) objects.push(JSON.parse(text));
  return objects;
}

describe('splitJson', () => {
  test.each([
    ['one object', '{"a":1}', [{ a: 1 }]],
    ['a line each', '{"a":1}\n{"a":2}\r\n\n', [{ a: 1 }, { a: 2 }]],
    ['an array', '\ufeff [ {"a":1} , {"a":[{"b":2}]} ]\n', [{ a: 1 }, { a: [{ b: 2 }] }]],
    ['arrays one after another', '[{"a":1}][{"a":2}]', [{ a: 1 }, { a: 2 }]],
    ['nothing', ' \n', []],
  ])('splits %s', async (_, text, expected) => {
    expect(await split([text])).toEqual(expected);
  });

  test('finds the same objects wherever the text is cut', async () => {
    const rows = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 5 });
    const cuts = fc.array(fc.nat(500), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(rows, cuts, fc.boolean(), async (objects, places, isArray) => {
        const text = isArray
          ? JSON.stringify(objects)
          : objects.map((object) => JSON.stringify(object)).join('\n');
        const ends = [...places, text.length]
          .filter((at) => at <= text.length)
          .sort((a, b) => a - b);
        const chunks = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
        const plain = JSON.parse(JSON.stringify(objects)) as unknown;
        expect(await split(chunks)).toEqual(plain);
      }),
    );
  });

  test.each([
    ['within a name', '{"a":1}\n{"b', '{"b'],
    ['within a list', '{"a":1}\n{"b":[{},', '{"b":[{},'],
    ['within a text with a bracket', '{"a":1}\n{"b":"}', '{"b":"}'],
    ['after a backslash', '{"a":1}\n{"b":"\\', '{"b":"\\'],
  ])('ends an object that is cut off %s with its line', async (_, before, cut) => {
    const after = ['{"c":"}"}', '{"d":"\\"}"}'];
    const text = [before, ...after, ''].join('\n');
    const found = ['{"a":1}', cut, ...after];
    expect(await Array.fromAsync(splitJson([text]))).toEqual(found);
    expect(await Array.fromAsync(splitJson([...text]))).toEqual(found);
  });

  test.each([
    ['a number', '{"a":1} 7', 'expected an object after 1 objects, found 7'],
    ['text', 'spend logs', 'expected an object after 0 objects, found s'],
    ['a cut off object', '{"a":1}\n{"a":"}', 'the text ends within object 2'],
  ])('rejects %s', async (_, text, message) => {
    await expect(split([text])).rejects.toThrow(new SplitError(message));
  });
});
