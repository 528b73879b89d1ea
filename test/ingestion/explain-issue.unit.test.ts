import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { explainIssue, sayOf } from '../../src/lib/explain-issue.ts';

const schema = z.strictObject({
  name: z.string().min(1).max(3),
  count: z.int(),
  kind: z.enum(['llm', 'metered']),
  at: z.iso.datetime(),
  owner: z.object({ id: z.uuid() }),
  either: z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]),
  own: z.string().regex(/^\d$/, 'expected a digit'),
});
const GOOD = {
  name: 'abc',
  count: 1,
  kind: 'llm',
  at: '2026-05-01T00:00:00Z',
  owner: { id: '6f1c0a52-2c8f-4a1e-9d34-0a1b2c3d4e5f' },
  either: { a: 'x' },
  own: '1',
};

function complaints(changes: Readonly<Record<string, unknown>>): readonly string[] {
  const { error } = schema.safeParse({ ...GOOD, ...changes }, { error: explainIssue });
  return (error?.issues ?? []).map(({ path, message }) => sayOf(path.join('.'), message));
}

describe('validation messages', () => {
  test('accept a valid value', () => {
    expect(complaints({})).toEqual([]);
  });

  test.each([
    [{ name: undefined }, 'name is missing'],
    [{ kind: undefined }, 'kind is missing'],
    [{ owner: {} }, 'owner.id is missing'],
    [{ either: undefined }, 'either is missing'],
    [{ name: 7 }, 'name: Invalid input: expected string, received number'],
    [{ name: null }, 'name: Invalid input: expected string, received null'],
    [{ name: '' }, 'name: Too small: expected string to have >=1 characters'],
    [{ name: 'abcd' }, 'name: Too big: expected string to have <=3 characters'],
    [{ count: 1.5 }, 'count: Invalid input: expected int, received number'],
    [{ kind: 'gas' }, 'kind: Invalid option: expected one of "llm"|"metered"'],
    [{ at: 'noon' }, 'at: Invalid ISO datetime'],
    [{ either: {} }, 'either: Invalid input'],
    [{ nme: 'x' }, 'Unrecognized key: "nme"'],
    [{ own: 'x' }, 'own: expected a digit'],
  ])('%j: %s', (changes, complaint) => {
    expect(complaints(changes)).toEqual([complaint]);
  });
});
