import { expect, test } from 'vitest';
import { OVERAGE_UNITS, isOverageUnit, overageUnitFactor } from '../../src/domain/overage-unit.ts';

test('the units that the catalogue takes in', () => {
  expect(OVERAGE_UNITS).toStrictEqual(['1k_tokens', 'hour', 'gb_month', 'gb', 'zone', 'snapshot']);
  expect(OVERAGE_UNITS.every(isOverageUnit)).toBe(true);
});

test.each(['', '1K_tokens', '1m_tokens', 'GB', 'constructor', '__proto__'])(
  '%j is none of them, and has factor 1',
  (unit) => {
    expect(isOverageUnit(unit)).toBe(false);
    expect(overageUnitFactor(unit)).toBe(1);
  },
);

test('only thousands have a factor', () => {
  expect(overageUnitFactor('1k_tokens')).toBe(1000);
  expect(overageUnitFactor('hour')).toBe(1);
  expect(overageUnitFactor(null)).toBe(1);
});
