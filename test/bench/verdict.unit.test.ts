import { describe, expect, test } from 'vitest';
import { verdictOf } from '../../bench/lib/verdict.ts';

const measured = { value: 38, unit: 'tenants/s' };

describe('verdict', () => {
  test('a ratio may equal its bound', () => {
    const figure = { name: 'rate', measured, bound: { atLeast: 0.75 } };
    expect(verdictOf({ ...figure, ratio: 0.75 })).toBe('ok');
    expect(verdictOf({ ...figure, ratio: 0.7499 })).toBe('short');
    const growth = { name: 'growth', measured, bound: { atMost: 1.15 } };
    expect(verdictOf({ ...growth, ratio: 1.15 })).toBe('ok');
    expect(verdictOf({ ...growth, ratio: 1.1501 })).toBe('short');
  });

  test('without a ratio it is what was measured', () => {
    const actions = { name: 'actions', bound: { atMost: 4 } };
    expect(verdictOf({ ...actions, measured: { value: 4, unit: '' } })).toBe('ok');
    expect(verdictOf({ ...actions, measured: { value: 4.01, unit: '' } })).toBe('short');
  });

  test('what is not a number is within no bound, and no bound is no verdict', () => {
    const figure = { name: 'rate', measured, ratio: NaN };
    expect(verdictOf({ ...figure, bound: { atLeast: 1 } })).toBe('short');
    expect(verdictOf({ ...figure, bound: { atMost: 1 } })).toBe('short');
    expect(verdictOf(figure)).toBe('none');
  });
});
