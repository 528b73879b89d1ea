import { describe, expect, test } from 'vitest';
import type { Bench } from '../../bench/lib/bench.ts';
import { parseOptions } from '../../bench/lib/options.ts';

const bench = (name: string, sizes: Bench['sizes']): Bench => ({
  name,
  title: name,
  sizes,
  run: () => Promise.resolve({ figures: [] }),
});
const benches = [
  bench('month-end', { tenants: { full: 1000, smoke: 8 } }),
  bench('growth', { tenants: { full: 10_000, smoke: 20 }, tenantsPerChild: { full: 1, smoke: 1 } }),
];

describe('options', () => {
  test('all benches by default', () => {
    expect(parseOptions([], benches)).toEqual({
      benches,
      smoke: false,
      list: false,
      seed: 1,
      json: null,
      writeDocs: false,
      sizes: {},
    });
  });

  test('those named, with sizes by their names', () => {
    const args = ['growth', '--tenants', '5000', '--tenants-per-child', '25', '--seed', '7'];
    const options = parseOptions([...args, '--json', 'x.json', '--write-docs', '--smoke'], benches);
    expect(options).toEqual({
      benches: [benches[1]],
      smoke: true,
      list: false,
      seed: 7,
      json: 'x.json',
      writeDocs: true,
      sizes: { tenants: 5000, tenantsPerChild: 25 },
    });
  });
});
