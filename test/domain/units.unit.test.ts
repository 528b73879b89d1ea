import { expect, test } from 'vitest';
import { Decimal } from '../../src/domain/decimal.ts';
import type { PlanItem } from '../../src/domain/types.ts';
import {
  BUILT_IN_UNITS,
  builtInFactor,
  LINE_UNITS,
  unitFactor,
  unitMeta,
} from '../../src/domain/units.ts';

const ITEM: PlanItem = {
  resourceKind: 'llm_tokens',
  includedQty: null,
  hardCapQty: null,
  overagePriceCents: 1,
  overageUnit: '1k_tokens',
  definedUnit: null,
};

test('built-in units have their factors', () => {
  expect(BUILT_IN_UNITS.map((unit) => [unit, builtInFactor(unit)])).toStrictEqual([
    ['1k_tokens', 1000],
    ['1m_tokens', 1_000_000],
    ['hour', 1],
    ['gb_month', 1],
    ['gb', 1],
    ['zone', 1],
    ['snapshot', 1],
  ]);
});

test.each(['', '1K_tokens', 'GB', 'constructor', '__proto__', null])(
  'a unit %j that is not built in has factor 1',
  (unit) => {
    expect(builtInFactor(unit)).toBe(1);
  },
);

test('the factor of a unit that the catalogue defines takes the place of the built-in one', () => {
  expect(unitFactor(ITEM).toFixed()).toBe('1000');
  expect(
    unitFactor({
      ...ITEM,
      overageUnit: 'block_of_10',
      definedUnit: { factor: '10.0', label: 'block', labelPlural: null },
    }).toFixed(),
  ).toBe('10');
  expect(
    unitFactor({
      ...ITEM,
      overageUnit: 'half',
      definedUnit: { factor: '0.5', label: 'block', labelPlural: null },
    }).toFixed(),
  ).toBe('0.5');
});

test.each([
  [null, { unit_factor: '10', unit_label: 'block' }],
  ['blocks', { unit_factor: '10', unit_label: 'block', unit_label_plural: 'blocks' }],
])('a line keeps the factor and the labels of a unit with the plural %s', (labelPlural, meta) => {
  const definedUnit = { factor: '10', label: 'block', labelPlural };
  expect(unitMeta({ ...ITEM, definedUnit }, new Decimal(10))).toStrictEqual(meta);
});

test('lines that are not overage have units of their own, which no catalogue can define', () => {
  expect(LINE_UNITS).toEqual(['month', 'request', 'item', 'credit', 'invoice']);
  expect(BUILT_IN_UNITS.filter((unit) => LINE_UNITS.includes(unit))).toEqual([]);
});
