import { describe, expect, test } from 'vitest';
import type { Figure } from '../../bench/lib/bench.ts';
import {
  formatNumber,
  renderFigures,
  renderFiguresAsMarkdown,
} from '../../bench/lib/render-figures.ts';

const figures: readonly Figure[] = [
  {
    name: 'month end',
    measured: { value: 38.26, unit: 'tenants/s' },
    against: { value: 60.1, unit: 'children/s', name: 'a bare child' },
    ratio: 38.26 / 60.1,
    bound: { atLeast: 0.75 },
    note: '1000 tenants | 3 subscriptions',
  },
  { name: 'events', measured: { value: 8211, unit: 'events' }, bound: { atMost: 10_239 } },
  { name: 'load', measured: { value: 12, unit: 's' } },
];

describe('figures', () => {
  test('numbers have three digits, and whole ones as many as they need', () => {
    expect([0.123456, 1.0049, 38.26, 99.96, 123.4, 52_345.6, 0, NaN].map(formatNumber)).toEqual([
      '0.123',
      '1',
      '38.3',
      '100',
      '123',
      '52,346',
      '0',
      'NaN',
    ]);
  });

  test('as a table for a terminal', () => {
    expect(
      renderFigures(figures)
        .split('\n')
        .map((line) => line.replaceAll(/ {2,}/g, '  ')),
    ).toEqual([
      'figure  measured  limit  ratio  bound',
      'month end  38.3 tenants/s  60.1 children/s  0.637  ≥ 0.75  SHORT',
      'events  8,211 events  ≤ 10,239  ok',
      'load  12 s',
      '  month end: limit: a bare child; 1000 tenants | 3 subscriptions',
    ]);
  });

  test('as Markdown, a row each', () => {
    expect(renderFiguresAsMarkdown(figures).split('\n')).toEqual([
      '| figure | measured | limit | which is | ratio | bound |  | note |',
      '| --- | --: | --: | --- | --: | --: | --- | --- |',
      '| month end | 38.3 tenants/s | 60.1 children/s | a bare child | 0.637 | ≥ 0.75 | SHORT | 1000 tenants \\| 3 subscriptions |',
      '| events | 8,211 events |  |  |  | ≤ 10,239 | ok |  |',
      '| load | 12 s |  |  |  |  |  |  |',
    ]);
  });
});
