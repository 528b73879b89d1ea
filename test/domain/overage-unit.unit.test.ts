import { expect, test } from 'vitest';
import { OVERAGE_UNITS, isOverageUnit, overageUnitFactor } from '../../src/domain/overage-unit.ts';

test('lists the units that a catalogue may have', () => {
  expect(OVERAGE_UNITS).toStrictEqual(['1k_tokens', 'hour', 'gb_month', 'gb', 'zone', 'snapshot']);
  expect(OVERAGE_UNITS.every(isOverageUnit)).toBe(true);
});

test.each(['', '1K_tokens', '1m_tokens', 'GB', 'constructor', '__proto__'])(
  'an unknown unit %j has factor 1',
  (unit) => {
    expect(isOverageUnit(unit)).toBe(false);
    expect(overageUnitFactor(unit)).toBe(1);
  },
);

test('only units of a thousand have another factor', () => {
  expect(overageUnitFactor('1k_tokens')).toBe(1000);
  expect(overageUnitFactor('hour')).toBe(1);
  expect(overageUnitFactor(null)).toBe(1);
});
