import { describe, expect, test } from 'vitest';
import { parseCatalogueFile } from '../../src/catalogue/catalogue-file.ts';
import { ApplyError, formatProblem } from '../../src/catalogue/apply-error.ts';

const ITEM = {
  resource_kind: 'spaces_gb_month',
  included_qty: '100.00',
  overage_price_cents: 2,
  overage_unit: 'gb_month',
  hard_cap_qty: null,
};
const VERSION = {
  version: 1,
  currency: 'USD',
  base_price_cents: 5000,
  proration: 'daily',
  items: [ITEM],
};

function catalogue(version: object = {}, item: object = {}): string {
  return JSON.stringify({
    plans: [
      { code: 'studio', versions: [{ ...VERSION, items: [{ ...ITEM, ...item }], ...version }] },
    ],
    addons: [{ code: 'more', resource_kind: 'spaces_gb_month', qty: '50', price_cents: 750 }],
  });
}

function problemsOf(text: string): readonly string[] {
  try {
    parseCatalogueFile({ name: 'catalogue.json', bytes: Buffer.from(text) });
    return [];
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    return error.problems.map(formatProblem);
  }
}

test('reads quantities in their canonical form', () => {
  const { plans } = parseCatalogueFile({ name: 'c', bytes: Buffer.from(catalogue()) });
  expect(plans[0]?.versions[0]?.items[0]?.included_qty).toBe('100');
});

describe('an error names its field', () => {
  const at = 'plans[0].versions[0]';
  test.each([
    [
      'a price whose unit is left out',
      catalogue({}, { overage_unit: undefined }),
      `${at}.items[0].overage_unit: an overage price needs its unit`,
    ],
    [
      'a quantity as a number',
      catalogue({}, { included_qty: 0.1 }),
      `${at}.items[0].included_qty: expected a decimal as a string`,
    ],
    [
      'an exponent',
      catalogue({}, { included_qty: '1e3' }),
      `${at}.items[0].included_qty: expected a decimal as a string`,
    ],
    [
      'a negative cap',
      catalogue({}, { hard_cap_qty: '-1' }),
      `${at}.items[0].hard_cap_qty: expected a decimal as a string`,
    ],
    [
      'a price in fractions',
      catalogue({ base_price_cents: 10.5 }),
      `${at}.base_price_cents: expected whole cents`,
    ],
    [
      'a version without proration policy',
      catalogue({ proration: undefined }),
      `${at}.proration: plan studio needs a proration policy, "daily" or "none"`,
    ],
    [
      'another proration policy',
      catalogue({ proration: 'monthly' }),
      `${at}.proration: plan studio needs a proration policy, "daily" or "none"`,
    ],
    [
      'a misspelt field',
      catalogue({}, { hard_cap: '1' }),
      `${at}.items[0]: Unrecognized key: "hard_cap"`,
    ],
    [
      'one kind twice',
      catalogue({ items: [ITEM, ITEM] }),
      `${at}.items[1].resource_kind: resource kind "spaces_gb_month" is here twice`,
    ],
    ['no list', '{"plans": {}}', 'plans: '],
  ])('%s', (_, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });
});

const priceAt = 'plans[0].versions[0].items[0].overage_price_cents: expected cents';
test.each([
  ...[
    '1e-3',
    '-1',
    '-0',
    '0x1',
    '0.0000000000001',
    '10000000000000000',
    '.5',
    '5.',
    '01',
    ' 1',
    '',
  ],
  ...[-1, 0.0425, 1e300, true, ['1']],
])('an overage price of %j is refused', (price) => {
  expect(problemsOf(catalogue({}, { overage_price_cents: price }))).toEqual([
    expect.stringContaining(priceAt),
  ]);
});

test.each([
  [2, '2'],
  [9007199254740991, '9007199254740991'],
  ['0.0425', '0.0425'],
  ['2.500', '2.5'],
  ['0.000', '0'],
  ['9999999999999999.999999999999', '9999999999999999.999999999999'],
])('an overage price of %j is read as %j', (price, expected) => {
  const text = catalogue({}, { overage_price_cents: price });
  const [plan] = parseCatalogueFile({ name: 'catalogue.json', bytes: Buffer.from(text) }).plans;
  expect(plan?.versions[0]?.items[0]?.overage_price_cents).toBe(expected);
});

const UNIT = { code: 'block_of_10', factor: '10.0', label: 'block of 10' };

test('reads units, with their factors in canonical form', () => {
  const text = JSON.stringify({
    units: [UNIT, { ...UNIT, code: 'pair', factor: 2, label_plural: 'pairs' }],
  });
  expect(parseCatalogueFile({ name: 'c', bytes: Buffer.from(text) }).units).toEqual([
    { code: 'block_of_10', factor: '10', label: 'block of 10', label_plural: null },
    { code: 'pair', factor: '2', label: 'block of 10', label_plural: 'pairs' },
  ]);
});

test.each([
  [{ factor: '0' }, 'units[0].factor: expected a number above 0'],
  [{ factor: '0.0' }, 'units[0].factor: expected a number above 0'],
  [{ factor: '-1' }, 'units[0].factor: expected a number above 0'],
  [{ factor: '1e3' }, 'units[0].factor: expected a number above 0'],
  [{ factor: '0.0000000000001' }, 'units[0].factor: expected a number above 0'],
  [{ factor: 0.5 }, 'units[0].factor: expected a number above 0'],
  [{ factor: undefined }, 'units[0].factor: expected a number above 0'],
  [{ code: 'a b' }, 'units[0].code: expected an id'],
  [{ label: '' }, 'units[0].label: expected 1 to 60 characters'],
  [{ label: undefined }, 'units[0].label is missing'],
])('a unit with %j is refused', (change, expected) => {
  expect(problemsOf(JSON.stringify({ units: [{ ...UNIT, ...change }] }))).toEqual([
    expect.stringContaining(expected),
  ]);
});

test('a unit can be there only once', () => {
  expect(problemsOf(JSON.stringify({ units: [UNIT, { ...UNIT, factor: '100' }] }))).toEqual([
    'units[1].code: unit "block_of_10" is here twice',
  ]);
});

test('accepts an overage unit of null, which means the base unit', () => {
  const text = catalogue({}, { overage_unit: null });
  const [plan] = parseCatalogueFile({ name: 'catalogue.json', bytes: Buffer.from(text) }).plans;
  expect(plan?.versions[0]?.items[0]).toMatchObject({
    overage_price_cents: '2',
    overage_unit: null,
  });
});

test('says which policies there are if the plan without one has no valid code either', () => {
  const text = JSON.stringify({
    plans: [{ code: '*', versions: [{ ...VERSION, proration: '' }] }],
  });
  expect(problemsOf(text).at(-1)).toContain('proration: expected the policy "daily" or "none"');
});

test('reports all errors at once', () => {
  expect(
    problemsOf(catalogue({ currency: 'dollars', base_price_cents: -1, version: 0 })),
  ).toHaveLength(3);
});

test.each([
  ['a missing comma', '{\n  "plans": []\n  "addons": []\n}', 'line 3, column 3'],
  ['an early end', '{\n  "plans": [', 'line 2, column 13'],
  ['no JSON at all', 'plans:', 'line 1, column 1'],
  ['a wrong token', `{\n  "plans": [\n    ${' '.repeat(50)}nil\n  ]\n}`, 'line 3, column 56'],
  ['a trailing comma', '{"plans": [],\n}', 'line 2, column 1'],
  ['single quotes', "{'plans': []}", 'line 1, column 2'],
  ['a broken string', '{"plans": "a\nb"}', 'line 1, column 13'],
  ['something behind it', '{}\n}', 'line 2, column 1'],
])('%s is reported with line and column', (_, text, place) => {
  expect(problemsOf(text)[0]).toContain(`${place}: not valid JSON`);
});
