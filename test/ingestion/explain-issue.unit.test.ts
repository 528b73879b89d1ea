import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { explainIssue, sayOf } from '../../src/lib/explain-issue.ts';

const schema = z.strictObject({
  name: z.string().min(1).max(3),
  count: z.int().min(1).max(9),
  ratio: z.number().multipleOf(5).gt(0).lt(100),
  on: z.boolean(),
  list: z.array(z.string()).min(1).max(2),
  kind: z.enum(['llm', 'metered']),
  only: z.literal('x'),
  url: z.url(),
  at: z.iso.datetime(),
  code: z.string().regex(/^[a-z]$/),
  owner: z.object({ id: z.uuid() }),
  either: z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]),
  own: z.string().regex(/^\d$/, 'expected a digit'),
  length: z.string().length(2),
});
const GOOD = {
  name: 'abc',
  count: 1,
  ratio: 5,
  on: true,
  list: ['a'],
  kind: 'llm',
  only: 'x',
  url: 'http://a.b',
  at: '2026-05-01T00:00:00Z',
  code: 'a',
  owner: { id: '6f1c0a52-2c8f-4a1e-9d34-0a1b2c3d4e5f' },
  either: { a: 'x' },
  own: '1',
  length: 'ab',
};

function complaints(changes: Readonly<Record<string, unknown>>): readonly string[] {
  const { error } = schema.safeParse({ ...GOOD, ...changes }, { error: explainIssue });
  return (error?.issues ?? []).map(({ path, message }) => sayOf(path.join('.'), message));
}

describe('zod, in words', () => {
  test('nothing to complain about', () => {
    expect(complaints({})).toEqual([]);
  });

  test.each([
    [{ name: undefined }, 'name is missing'],
    [{ kind: undefined }, 'kind is missing'],
    [{ owner: {} }, 'owner.id is missing'],
    [{ either: undefined }, 'either is missing'],
    [{ name: 7 }, 'name: expected text'],
    [{ name: null }, 'name: expected text, not null'],
    [{ name: '' }, 'name is empty'],
    [{ name: 'abcd' }, 'name: expected at most 3 characters'],
    [{ length: 'a' }, 'length: expected exactly 2 characters'],
    [{ count: '7' }, 'count: expected a number, not text'],
    [{ count: 1.5 }, 'count: expected a whole number'],
    [{ count: 0 }, 'count: expected at least 1'],
    [{ count: 10 }, 'count: expected at most 9'],
    [{ ratio: NaN }, 'ratio: expected a number'],
    [{ ratio: 7 }, 'ratio: expected a multiple of 5'],
    [{ ratio: 0 }, 'ratio: expected more than 0'],
    [{ ratio: 100 }, 'ratio: expected less than 100'],
    [{ on: 'yes' }, 'on: expected true or false, not text'],
    [{ list: {} }, 'list: expected a list, not an object'],
    [{ list: [] }, 'list is empty'],
    [{ list: ['a', 'b', 'c'] }, 'list: expected at most 2 entries'],
    [{ kind: 'gas' }, 'kind: expected one of llm, metered'],
    [{ only: 'y' }, 'only: expected x'],
    [{ url: 'nowhere' }, 'url: expected a URL'],
    [{ at: 'noon' }, 'at: expected an RFC 3339 instant such as 2026-05-01T00:00:00Z'],
    [{ code: '1' }, 'code: expected text that matches /^[a-z]$/'],
    [{ owner: { id: 'x' } }, 'owner.id: expected a UUID'],
    [{ owner: [] }, 'owner: expected an object, not a list'],
    [{ either: {} }, 'either is in none of the forms that are known'],
    [{ nme: 'x' }, 'unknown field "nme"'],
    [{ own: 'x' }, 'own: expected a digit'],
  ])('%j: %s', (changes, complaint) => {
    expect(complaints(changes)).toEqual([complaint]);
  });
});
