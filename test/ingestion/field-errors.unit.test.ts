import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { reasonOf, toFieldErrors } from '../../src/ingestion/field-errors.ts';
import type { FieldError } from '../../src/ingestion/results.ts';

function errorsOf(schema: z.ZodType, value: unknown): readonly FieldError[] {
  return toFieldErrors(schema.safeParse(value).error?.issues ?? []);
}

const number = z.number({ error: 'expected a number' });

describe('the pointer', () => {
  test('is a path into the sent value', () => {
    expect(errorsOf(z.object({ events: z.array(number) }), { events: [1, 'x'] })).toEqual([
      { pointer: '/events/1', detail: 'expected a number' },
    ]);
  });

  test('is empty for the whole value', () => {
    expect(errorsOf(number, 'x')).toEqual([{ pointer: '', detail: 'expected a number' }]);
  });

  test('escapes every name like RFC 6901', () => {
    expect(errorsOf(z.object({ 'a/b~1/~': number }), {})).toMatchObject([
      { pointer: '/a~1b~01~1~0' },
    ]);
  });
});

describe('unknown fields', () => {
  test('are one error each, at their place', () => {
    const schema = z.object({ event: z.strictObject({}) });
    expect(errorsOf(schema, { event: { x: 1, 'y/z': 2 } })).toEqual([
      { pointer: '/event/x', detail: 'unknown field' },
      { pointer: '/event/y~1z', detail: 'unknown field' },
    ]);
  });

  test('are shown with the first 100 characters of their name', () => {
    const long = 'x'.repeat(99);
    expect(errorsOf(z.strictObject({}), { [`${long}yz`]: 1 })).toMatchObject([
      { pointer: `/${long}y` },
    ]);
  });
});

test('reports the first 20 errors', () => {
  const fields = Array.from({ length: 21 }, (_, n) => `f${n}`);
  const errors = errorsOf(
    z.strictObject({}),
    Object.fromEntries(fields.map((field) => [field, 1])),
  );
  expect(errors.map(({ pointer }) => pointer)).toEqual(
    fields.slice(0, 20).map((field) => `/${field}`),
  );
});

test('the reason names each field, unless the whole value is wrong', () => {
  expect(
    reasonOf([
      { pointer: '/month', detail: 'is missing' },
      { pointer: '/qty', detail: 'expected a number' },
      { pointer: '', detail: 'expected an object' },
    ]),
  ).toBe('/month is missing; /qty: expected a number; expected an object');
});
