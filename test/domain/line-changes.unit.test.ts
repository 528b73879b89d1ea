import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareLines, type PlacedLine } from '../../src/domain/line-changes.ts';
import { placedLine as line } from './_lines.ts';

const llm = line({ kind: 'llm_usage', description: 'LLM usage', subscriptionId: null, qty: '3' });

describe('no change is reported for', () => {
  test.each([
    ['the same lines', [line(), llm], [line(), llm]],
    ['nothing at all', [], []],
    ['other line numbers', [line({ lineNo: 1 }), llm], [line({ lineNo: 7 }), llm]],
    ['another order', [line(), llm], [llm, line()]],
    [
      'keys of meta in another order',
      [line({ meta: { a: 1, b: 2 } })],
      [line({ meta: { b: 2, a: 1 } })],
    ],
  ])('%s', (_name, before, after) => {
    expect(compareLines(before, after)).toEqual([]);
  });
});

describe('a line counts as changed', () => {
  test.each<Partial<PlacedLine>>([
    { qty: '2' },
    { unit: 'year' },
    { unitPriceCents: null },
    { amountCents: 5001 },
    { meta: { version: 2 } },
    { meta: {} },
    { subscriptionId: 'another' },
  ])('%j', (fields) => {
    const [before, after] = [line(), line(fields)];
    expect(compareLines([before], [after])).toEqual([{ change: 'changed', before, after }]);
  });
});

describe('a line counts as removed and added', () => {
  test.each<Partial<PlacedLine>>([
    { deploymentId: 'db' },
    { deploymentId: null },
    { kind: 'addon' },
    { resourceKind: 'gb' },
    { description: 'LLM usage, late for 2026-04' },
  ])('%j', (fields) => {
    const [before, after] = [line(), line(fields)];
    expect(compareLines([before], [after])).toEqual([
      { change: 'added', before: null, after },
      { change: 'removed', before, after: null },
    ]);
  });
});

test('compares the n-th of several similar lines with the n-th', () => {
  const [first, second] = [line({ amountCents: 1 }), line({ amountCents: 2 })];
  expect(compareLines([first, second], [first])).toEqual([
    { change: 'removed', before: second, after: null },
  ]);
  expect(compareLines([first], [first, second])).toEqual([
    { change: 'added', before: null, after: second },
  ]);
  expect(compareLines([first, second], [second, first])).toMatchObject([
    { change: 'changed', before: first, after: second },
    { change: 'changed', before: second, after: first },
  ]);
});

test('shows a subscription inserted before another one as added, and a replaced one as changed', () => {
  const early = line({ subscriptionId: 'early', amountCents: 1 });
  const [late, changed] = [2, 3].map((amountCents) =>
    line({ subscriptionId: 'late', amountCents }),
  );
  expect(compareLines([late!], [early, changed!])).toEqual([
    { change: 'added', before: null, after: early },
    { change: 'changed', before: late, after: changed },
  ]);
  const other = line({ subscriptionId: 'other', amountCents: 2 });
  expect(compareLines([early, late!], [other, changed!])).toEqual([
    { change: 'changed', before: early, after: other },
    { change: 'changed', before: late, after: changed },
  ]);
});

test('lists changed and added lines in the order of the new invoice, removed ones last', () => {
  const gone = line({ deploymentId: 'gone' });
  const added = line({ deploymentId: 'added' });
  const changes = compareLines([gone, line()], [added, line({ qty: '9' })]);
  expect(changes.map(({ change }) => change)).toEqual(['added', 'changed', 'removed']);
});

test('line differences add up to the difference of the totals', () => {
  const anyLine = fc
    .record({
      deploymentId: fc.constantFrom('a', 'b', null),
      description: fc.constantFrom('x', 'y'),
      amountCents: fc.integer({ min: -1000, max: 1000 }),
    })
    .map(line);
  const total = (lines: readonly (PlacedLine | null)[]) =>
    lines.reduce((sum, found) => sum + (found?.amountCents ?? 0), 0);
  fc.assert(
    fc.property(fc.array(anyLine), fc.array(anyLine), (before, after) => {
      const changes = compareLines(before, after);
      expect(
        total(changes.map((change) => change.after)) - total(changes.map((c) => c.before)),
      ).toBe(total(after) - total(before));
    }),
  );
});
