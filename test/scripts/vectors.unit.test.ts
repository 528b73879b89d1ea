import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCases, UnreadableFile } from '../../scripts/vectors/check-file.ts';
import { differencesOf } from '../../scripts/vectors/compare.ts';

/** What `npm run vectors` makes of files; test/domain/vectors.unit.test.ts checks the cases themselves. */

interface RawCase {
  id: string;
  expected: Record<string, unknown>;
  [field: string]: unknown;
}

function firstCase(name: string): RawCase {
  const text = readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as RawCase[])[0]!;
}

const read = (...cases: unknown[]) => readCases(JSON.stringify(cases));

test.each(['quote', 'llm-invoice', 'real-month'])(
  'a wrong total in a file of %s is the only difference',
  (name) => {
    const given = firstCase(name);
    const key = name === 'quote' ? 'all_in_monthly_cents' : 'total_cents';
    const expected = { ...given.expected, [key]: -1 };
    const differences = read({ ...given, expected })[0]?.check() ?? [];
    expect(differences.filter(({ path }) => path === key)).toEqual([
      { path: key, expected: -1, got: given.expected[key] },
    ]);
  },
);

test('a case that the domain rejects is a difference with its reason', () => {
  const given = firstCase('quote');
  const [rejected] = read({ ...given, opts: { usage: null, starts_on: '2026-02-30' } });
  expect(rejected?.check()).toMatchObject([
    { path: '', got: expect.stringMatching(/^invalid_date: .*2026-02-30/) },
  ]);
});

describe('a file that is not one of cases', () => {
  test.each([
    ['no JSON', '[', /^not JSON/],
    ['no array', '{}', /JSON array of cases/],
    ['no cases', '[]', /no cases/],
    ['a case of another form', '[{"id":"x-1"}]', /^case x-1 has no known form/],
    ['something that is no case', '[null]', /^case 1 has no known form/],
    ['a case that lacks a field', '[{"id":"x-2","charges":[]}]', /^case x-2: .*expected/s],
  ])('is refused: %s', (_, text, message) => {
    expect(() => readCases(text)).toThrow(UnreadableFile);
    expect(() => readCases(text)).toThrow(message);
  });
});

test('differences name their place, and what is absent on either side', () => {
  const expected = { lines: [{ qty: '1' }, { qty: '2' }], gone: null };
  const got = { lines: [{ qty: '1', more: 0 }], gone: null };
  expect(differencesOf(expected, got)).toEqual([
    { path: 'lines[0].more', expected: undefined, got: 0 },
    { path: 'lines[1]', expected: { qty: '2' }, got: undefined },
  ]);
});
