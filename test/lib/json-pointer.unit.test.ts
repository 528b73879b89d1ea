import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromPointer, toPointer } from '../../src/lib/json-pointer.ts';

test.each([
  [[], ''],
  [['plans', 0, 'code'], '/plans/0/code'],
  [['a/b~1', ''], '/a~1b~01/'],
])('the pointer to %j is %j', (path, pointer) => {
  expect(toPointer(path)).toBe(pointer);
});

test('parses back to the names it was built from', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (path) => {
      expect(fromPointer(toPointer(path))).toEqual(path);
    }),
  );
});
