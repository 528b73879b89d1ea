import { describe, expect, test } from 'vitest';
import { foldDays, type UsageOfDay } from '../../src/domain/daily-figures.ts';
import { hours, llm } from './_usage-of-days.ts';

describe('the figures of a month', () => {
  test('have an entry for each day, and the most expensive model first', () => {
    const { llm: figures, kinds } = foldDays(
      [llm(1, 'a', '1.5'), llm(3, 'a', '1'), llm(3, 'b', '4.000000000001'), hours(2, '-6')],
      3,
    );
    expect(figures).toEqual({
      currency: 'AUD',
      requests: 3,
      exactCents: '6.500000000001',
      models: ['b', 'a'],
      days: [
        { requests: 1, exactCents: '1.5', byModel: ['0', '1.5'] },
        { requests: 0, exactCents: '0', byModel: ['0', '0'] },
        { requests: 2, exactCents: '5.000000000001', byModel: ['4.000000000001', '1'] },
      ],
    });
    expect(kinds).toEqual([{ resourceKind: 'droplet_hours', total: '-6', days: ['0', '-6', '0'] }]);
  });

  test('name five models; the others are one, with those that have no bucket of their own', () => {
    const usage = ['f', 'e', 'd', 'c', 'b', 'a'].map((model, index) =>
      llm(1, model, String(index + 1)),
    );
    const { llm: figures } = foldDays([...usage, llm(1, '', '100')], 1);
    expect(figures?.models).toEqual(['a', 'b', 'c', 'd', 'e', null]);
    expect(figures?.days[0]?.byModel).toEqual(['6', '5', '4', '3', '2', '101']);
    expect(figures?.exactCents).toBe('121');
  });

  test('are empty without usage', () => {
    expect(foldDays([], 31)).toEqual({ llm: null, kinds: [] });
  });

  test('list the kinds by name', () => {
    const of = (resourceKind: string): UsageOfDay => ({ ...hours(1, '2'), resourceKind });
    const { kinds } = foldDays([of('b'), of('c'), of('a'), of('b')], 1);
    expect(kinds).toEqual([
      { resourceKind: 'a', total: '2', days: ['2'] },
      { resourceKind: 'b', total: '4', days: ['4'] },
      { resourceKind: 'c', total: '2', days: ['2'] },
    ]);
  });
});
