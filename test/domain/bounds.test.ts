import { describe, expect, test } from 'vitest';
import { beyondBounds } from '../../src/domain/bounds.ts';

const last = { number: 'acme-000007', totalCents: 1000 };

describe('a total in bounds', () => {
  test.each([
    ['exactly ten times the last one', 10_000, last, '10'],
    ['less than the last one', 1, last, '10'],
    ['after an invoice of nothing', 5_000_000, { ...last, totalCents: 0 }, '10'],
    ['after none', 5_000_000, null, '10'],
    ['without a bound', 5_000_000, last, null],
    ['a fraction of a ratio', 1_250, last, '1.25'],
  ])('%s', (_name, totalCents, before, maxRatio) => {
    expect(beyondBounds(totalCents, before, maxRatio)).toBeNull();
  });
});

describe('a total beyond them', () => {
  test('is told with both totals, the invoice and what to do', () => {
    const reason = beyondBounds(10_001, last, '10');
    expect(reason).toContain('10001 cents, 10 times the 1000 cents of acme-000007');
    expect(reason).toContain('more than 10 times');
    expect(reason).toContain('"acceptBounds": true');
  });

  test.each([
    [1_251, '1.25'],
    [Number.MAX_SAFE_INTEGER, '9007199254740'],
  ])('%i cents, at most %s times', (totalCents, maxRatio) => {
    expect(beyondBounds(totalCents, last, maxRatio)).not.toBeNull();
  });

  test('even after an invoice of a cent', () => {
    expect(beyondBounds(11, { ...last, totalCents: 1 }, '10')).toContain('11 times');
  });
});
