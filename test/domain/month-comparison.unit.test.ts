import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlacedLine } from '../../src/domain/line-changes.ts';
import { compareMonths } from '../../src/domain/month-comparison.ts';
import type { JsonObject } from '../../src/domain/types.ts';
import { placedLine } from './_lines.ts';

const plan = (fields: Partial<PlacedLine> = {}) =>
  placedLine({ meta: { plan_version_id: 'studio-v1' }, ...fields });
const llm = (qty: string, cents: string, models: Readonly<Record<string, string>> = {}) =>
  placedLine({
    ...{ kind: 'llm_usage', description: 'LLM usage', subscriptionId: null, qty, unit: 'request' },
    ...{ unitPriceCents: null, amountCents: Math.floor(Number(cents)) },
    meta: {
      exact_cents: cents,
      by_model: Object.entries(models).map(([model, exact_cents]) => ({
        ...{ model: model === '' ? null : model, requests: '1', exact_cents },
      })),
    },
  });
const overage = (amountCents: number, meta: JsonObject, fields: Partial<PlacedLine> = {}) =>
  placedLine({
    ...{ kind: 'overage', resourceKind: 'gb', description: 'gb overage', unit: 'gb' },
    ...{ qty: '1', unitPriceCents: '2', amountCents, meta: { capped: false, ...meta }, ...fields },
  });
const tax = (amountCents: number, rate = '0.10') =>
  placedLine({
    ...{ kind: 'tax', deploymentId: null, subscriptionId: null, amountCents, unit: 'invoice' },
    ...{ description: `GST (${Number(rate) * 100}%)`, unitPriceCents: null, meta: { rate } },
  });
const item = (itemId: string, amountCents: number) =>
  placedLine({
    ...{ kind: 'item', deploymentId: null, subscriptionId: null, itemId, amountCents },
    ...{ description: itemId, unit: 'item', unitPriceCents: null, meta: {} },
  });

/** Compares April with May: of each the lines of the invoice. */
function compare(april: readonly PlacedLine[], may: readonly PlacedLine[]) {
  return compareMonths(
    { month: '2026-04', documents: [april] },
    { month: '2026-05', documents: [may] },
  );
}

/** The causes of the only charge that differs: `cause before after`. */
function causes(april: readonly PlacedLine[], may: readonly PlacedLine[]): readonly string[] {
  const changed = compare(april, may).changes.filter(
    ({ differenceCents }) => differenceCents !== 0,
  );
  expect(changed).toHaveLength(1);
  return changed[0]!.causes.map(({ cause, model, before, after }) =>
    [cause, model, before, after].filter((value) => value !== null).join(' '),
  );
}

describe('charges', () => {
  test('of the same purpose are compared, and the largest difference is first', () => {
    const { changes, ...totals } = compare(
      [plan(), llm('10', '900'), tax(590)],
      [plan(), llm('10', '300'), item('setup', 100), tax(540)],
    );
    expect(totals).toEqual({
      ...{ beforeMonth: '2026-04', afterMonth: '2026-05' },
      ...{ beforeCents: 6490, afterCents: 5940, differenceCents: -550 },
    });
    expect(
      changes.map(({ after, before, differenceCents }) => [
        (after[0] ?? before[0])!.kind,
        differenceCents,
      ]),
    ).toEqual([
      ['llm_usage', -600],
      ['item', 100],
      ['tax', -50],
      ['plan_base', 0],
    ]);
    expect(changes.at(-1)!.causes).toEqual([]);
  });

  test('of several subscriptions of a deployment add up', () => {
    const part = (subscriptionId: string, fraction: string, amountCents: number, id: string) =>
      plan({
        ...{ subscriptionId, amountCents },
        meta: { plan_version_id: id, proration_fraction: fraction },
      });
    const april = [part('a', '10/30', 1667, 'studio-v1'), part('b', '20/30', 5333, 'large-v1')];
    const may = [plan({ amountCents: 8000, meta: { plan_version_id: 'large-v1' } })];
    const { changes } = compare(april, may);
    expect(changes).toMatchObject([{ beforeCents: 7000, afterCents: 8000 }]);
    expect(causes(april, may)).toEqual(['plan studio-v1, large-v1 large-v1']);
  });

  test('count with the adjustment notes of their month', () => {
    const note = [
      { ...llm('5', '1400'), amountCents: 500, meta: { exact_cents: '1400', before_cents: 900 } },
      placedLine({ ...tax(0), kind: 'credit', deploymentId: 'web', amountCents: -300 }),
      tax(20),
    ];
    const { changes, beforeCents } = compareMonths(
      { month: '2026-04', documents: [[plan(), llm('10', '900'), tax(590)], note] },
      { month: '2026-05', documents: [[plan(), llm('15', '1400'), tax(640)]] },
    );
    expect(beforeCents).toBe(6490 + 500 - 300 + 20);
    const differences = changes.map(({ before, after, differenceCents }) => [
      (after[0] ?? before[0])!.kind,
      differenceCents,
    ]);
    expect(differences).toEqual([
      ['credit', 300],
      ['tax', 30],
      ['plan_base', 0],
      ['llm_usage', 0],
    ]);
    expect(changes.find(({ after }) => after[0]?.kind === 'llm_usage')!.before).toMatchObject([
      { qty: '15', amountCents: 1400 },
    ]);
  });

  test('that did not change have no cause, even if their parts did', () => {
    const april = plan({ meta: { plan_version_id: 'studio-v1' } });
    const may = plan({ meta: { plan_version_id: 'studio-v2' } });
    expect(compare([april], [may]).changes).toMatchObject([{ differenceCents: 0, causes: [] }]);
  });

  test('of credits keep a line for each credit', () => {
    const credit = placedLine({ kind: 'credit', amountCents: -300 });
    const { changes } = compareMonths(
      { month: '2026-04', documents: [[plan()], [credit], [credit]] },
      { month: '2026-05', documents: [[plan()]] },
    );
    expect(changes[0]).toMatchObject({ beforeCents: -600, before: [credit, credit], after: [] });
  });

  test('without any line on either side are no charges', () => {
    expect(compare([], [])).toMatchObject({ differenceCents: 0, changes: [] });
  });

  test('late usage is not compared with the usage of its own month', () => {
    const late = {
      ...llm('1', '70'),
      description: 'LLM usage, late for 2026-04',
      meta: { exact_cents: '70', service_month: '2026-04' },
    };
    const { changes } = compare([llm('10', '900')], [llm('10', '900'), late]);
    expect(changes.map(({ differenceCents }) => differenceCents)).toEqual([70, 0]);
    expect(causes([llm('10', '900')], [llm('10', '900'), late])).toEqual(['one_off']);
  });
});

describe('the cause is', () => {
  const priced = (unitPriceCents: string, amountCents: number) =>
    plan({ unitPriceCents, amountCents });
  const days = (fraction: string, amountCents: number) =>
    plan({ amountCents, meta: { plan_version_id: 'studio-v1', proration_fraction: fraction } });
  const version = (id: string, amountCents: number) =>
    plan({ amountCents, meta: { plan_version_id: id } });
  const addon = (meta: JsonObject = {}, amountCents = 750) =>
    placedLine({ kind: 'addon', description: 'Addon: more', amountCents, meta });
  const credit = (amountCents: number) =>
    placedLine({ ...{ kind: 'credit', unit: 'credit', unitPriceCents: null }, amountCents });

  test.each<[string, readonly PlacedLine[], readonly PlacedLine[], readonly string[]]>([
    ['a higher price', [priced('5000', 5000)], [priced('6000', 6000)], ['price 5000 6000']],
    ['more days', [days('11/30', 1833)], [plan()], ['days 11/30 31/31']],
    ['fewer days', [plan()], [days('10/31', 1613)], ['days 30/30 10/31']],
    [
      'another plan',
      [version('studio-v1', 5000)],
      [version('large-v3', 8000)],
      ['plan studio-v1 large-v3'],
    ],
    ['a second addon of the same kind', [addon()], [addon(), addon()], ['count 1 2']],
    [
      'more days of one of two addons',
      [addon(), addon({ proration_fraction: '15/30' }, 375)],
      [addon(), addon()],
      ['days 45/30 62/31'],
    ],
    ['an addon', [plan()], [plan(), addon()], ['added']],
    ['an addon that ended', [plan(), addon()], [plan()], ['removed']],
    ['a new deployment', [], [plan()], ['deployment_added']],
    ['a deployment that is gone', [plan()], [], ['deployment_removed']],
    [
      'more usage',
      [overage(100, { used: '150', allowance: '100' })],
      [overage(200, { used: '200', allowance: '100' })],
      ['usage 150 200'],
    ],
    [
      'a smaller allowance',
      [overage(100, { used: '150', allowance: '100' })],
      [overage(200, { used: '150', allowance: '50' })],
      ['allowance 100 50'],
    ],
    [
      'a higher price of overage',
      [overage(100, { used: '150', allowance: '100' })],
      [overage(150, { used: '150', allowance: '100' }, { unitPriceCents: '3' })],
      ['price 2 3'],
    ],
    [
      'a cap that is gone',
      [overage(60, { used: '200', allowance: '150', capped: true }, { qty: '30' })],
      [overage(100, { used: '200', allowance: '150' }, { qty: '50' })],
      ['cap 180'],
    ],
    ['more requests', [llm('10', '900')], [llm('20', '1800')], ['requests 10 20']],
    [
      'requests after a month of corrections',
      [llm('0', '1')],
      [llm('10', '900')],
      ['requests 0 10', 'average_charge 90'],
    ],
    ['LLM usage of a deployment that had none', [plan()], [plan(), llm('1', '90')], ['added']],
    ['dearer requests', [llm('10', '900')], [llm('10', '1800')], ['average_charge 90 180']],
    [
      'the three models that differ most',
      [llm('1', '1000', { a: '100', b: '200', c: '300', d: '400' })],
      [llm('1', '1601', { a: '101', b: '900', c: '0.5', '': '599.5' })],
      ['average_charge 1000 1600', 'model b 200 900', 'model 599.5', 'model d 400'],
    ],
    ['one-off: an item', [], [item('setup', 900)], ['one_off']],
    ['one-off: a credit', [plan()], [plan(), credit(-300)], ['one_off']],
    ['one-off: credits in both months', [credit(-300)], [credit(-500)], ['one_off']],
    ['one-off: an item of the month before', [item('setup', 900)], [], ['one_off']],
    ['the rate of the tax', [tax(500)], [tax(750, '0.15')], ['tax_rate 0.10 0.15']],
    ['tax that was not charged', [], [tax(500)], ['tax_rate 0.10']],
    ['nothing else for tax at the same rate', [tax(500)], [tax(600)], []],
  ])('%s', (_what, april, may, expected) => {
    expect(causes(april, may)).toEqual(expected);
  });

  test('no price if a month has several', () => {
    const april = [
      { ...priced('5000', 2500), subscriptionId: 'a' },
      { ...priced('8000', 4000), subscriptionId: 'b' },
    ];
    const may = [priced('8000', 8000)];
    expect(causes(april, may)).toEqual(['count 2 1']);
    expect(causes(may, april)).toEqual(['count 1 2']);
  });
});

test('the differences add up to the difference of the totals', () => {
  const line = fc
    .record({
      deploymentId: fc.constantFrom('a', 'b'),
      subscriptionId: fc.constantFrom('s', 't'),
      kind: fc.constantFrom('plan_base', 'addon', 'overage', 'llm_usage', 'credit'),
      amountCents: fc.integer({ min: -1000, max: 1000 }),
      description: fc.constantFrom('x', 'y'),
    })
    .map((fields) => placedLine(fields as Partial<PlacedLine>));
  const lines = fc.array(fc.oneof(line, fc.constant(tax(7)), fc.constant(item('i', -3))));
  const documents = fc.array(lines, { minLength: 1, maxLength: 3 });
  const sum = (of: readonly (readonly PlacedLine[])[]) =>
    of.flat().reduce((total, { amountCents }) => total + amountCents, 0);
  fc.assert(
    fc.property(documents, documents, (before, after) => {
      const { changes, ...found } = compareMonths(
        { month: '2026-04', documents: before },
        { month: '2026-05', documents: after },
      );
      expect(found).toMatchObject({
        beforeCents: sum(before),
        afterCents: sum(after),
        differenceCents: sum(after) - sum(before),
      });
      const differences = changes.map(({ differenceCents }) => differenceCents);
      expect(differences.reduce((total, cents) => total + cents, 0)).toBe(found.differenceCents);
      const sizes = differences.map(Math.abs);
      expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    }),
  );
});
