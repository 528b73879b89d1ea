import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCases } from '../../scripts/vectors/check-file.ts';

describe.each([
  ['quote', 140],
  ['llm-invoice', 43],
  ['real-month', 90],
])('%s.json', (name, count) => {
  const text = readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8');
  const cases = readCases(text);

  test('every vector has a test', () => {
    expect(cases).toHaveLength(count);
  });

  test.each(cases)('$id', ({ check }) => {
    expect(check()).toEqual([]);
  });
});
