import { describe, expect, test } from 'vitest';
import { timeUnder, type CpuProfile } from '../../bench/lib/cpu-profile.ts';
import { median } from '../../bench/lib/median.ts';

const node = (id: number, url: string, children: readonly number[] = []) => ({
  id,
  callFrame: { functionName: `f${id}`, url },
  children,
});

/** 1 calls 2 and 5; 2, the quote, calls 3, which calls itself (4), a quote again. */
const profile: CpuProfile = {
  nodes: [
    node(1, 'main.ts', [2, 5]),
    node(2, 'quote.ts', [3]),
    node(3, 'decimal.ts', [4]),
    node(4, 'quote.ts'),
    node(5, 'decimal.ts'),
  ],
  samples: [1, 2, 3, 4, 5, 1],
  timeDeltas: [100, 1000, 2000, 4000, 8000, 16_000],
};
const isQuote = ({ url }: { readonly url: string }) => url === 'quote.ts';

describe('a CPU profile', () => {
  test('a function has the time of all that it calls, once', () => {
    // Samples 2, 3 and 4, each until the next one.
    expect(timeUnder(profile, isQuote)).toBe(2 + 4 + 8);
  });

  test('the last sample has no end, and what nobody asks for has no time', () => {
    expect(timeUnder({ ...profile, samples: [2], timeDeltas: [100] }, isQuote)).toBe(0);
    expect(timeUnder(profile, () => false)).toBe(0);
    expect(timeUnder(profile, () => true)).toBe(31);
  });
});

describe('the median', () => {
  test('is the middle one, or between the middle two', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 5, 7])).toBe(6);
    expect(median([3])).toBe(3);
    expect(() => median([])).toThrow('no median');
  });
});
