import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Decimal } from '../../src/domain/decimal.ts';
import {
  elapsedShare,
  progressOfMonth,
  progressOfService,
  project,
} from '../../src/domain/projection.ts';
import { anyDecimal, fractionText, divideHalfUp } from './_arbitraries.ts';
import { periodOf } from '../_util/utc.ts';

const MAY = periodOf('2026-05');
const DAY = 86_400_000;
const at = (instant: string) => new Date(instant);

describe('progress', () => {
  test('of a month is the time since it began', () => {
    expect(progressOfMonth(MAY, at('2026-05-17T00:00:00Z'))).toEqual({
      elapsedMs: 16 * DAY,
      totalMs: 31 * DAY,
    });
  });

  test.each<[string, readonly (readonly [string, string | null])[], readonly [number, number]]>([
    ['all month', [['2025-01-01T00:00:00Z', null]], [16, 31]],
    ['from a day of the month', [['2026-05-10T00:00:00Z', null]], [7, 22]],
    ['until a day before now', [['2025-01-01T00:00:00Z', '2026-05-05T00:00:00Z']], [4, 4]],
    ['until a day after now', [['2025-01-01T00:00:00Z', '2026-05-21T00:00:00Z']], [16, 20]],
    [
      'with a gap',
      [
        ['2025-01-01T00:00:00Z', '2026-05-05T00:00:00Z'],
        ['2026-05-15T00:00:00Z', null],
      ],
      [6, 21],
    ],
    ['that has yet to start', [['2026-05-20T00:00:00Z', null]], [0, 12]],
    ['outside of the month', [['2026-06-01T00:00:00Z', null]], [16, 31]],
    ['that no subscription gives', [], [16, 31]],
  ])('of service %s counts only time in service', (_name, spans, [elapsed, total]) => {
    const subscriptions = spans.map(([startsAt, endsAt]) => ({ startsAt, endsAt }));
    const now = at('2026-05-17T00:00:00Z');
    expect(progressOfService(subscriptions, MAY, now)).toEqual({
      elapsedMs: elapsed * DAY,
      totalMs: total * DAY,
    });
  });

  test('is shown rounded down, so that a month that runs never shows as over', () => {
    expect(elapsedShare(progressOfMonth(MAY, at('2026-05-31T23:59:59.999Z')))).toBe('0.9999');
    expect(elapsedShare(progressOfMonth(MAY, at('2026-05-17T00:00:00Z')))).toBe('0.5161');
    expect(elapsedShare(progressOfMonth(MAY, at('2026-05-01T00:00:00Z')))).toBe('0');
  });
});

describe('a projection', () => {
  test('grows by the time that is left', () => {
    expect(project(new Decimal('500'), { elapsedMs: 16, totalMs: 31 }).toFixed()).toBe('968.75');
  });

  test('rounds half away from zero, to 12 decimals or as many as asked for', () => {
    const third = { elapsedMs: 3, totalMs: 4 };
    expect(project(new Decimal('2'), third).toFixed()).toBe('2.666666666667');
    expect(project(new Decimal('2'), third, 0).toFixed()).toBe('3');
    expect(project(new Decimal('1'), { elapsedMs: 2, totalMs: 3 }, 0).toFixed()).toBe('2');
  });

  test.each([
    ['before the service starts', 0],
    ['at the end', 31],
  ])('is the value itself %s', (_name, elapsedMs) => {
    expect(project(new Decimal('0.1'), { elapsedMs, totalMs: 31 }).toFixed()).toBe('0.1');
  });

  test('is the exact quotient, rounded once', () => {
    fc.assert(
      fc.property(
        anyDecimal(24),
        fc.integer({ min: 1, max: 31 * DAY }),
        fc.integer({ min: 0, max: 31 * DAY }),
        ({ units, scale }, elapsedMs, restMs) => {
          const totalMs = elapsedMs + restMs;
          const value = new Decimal(fractionText({ units, scale }));
          const scaled = units * 10n ** BigInt(12 - scale);
          const expected = divideHalfUp(scaled * BigInt(totalMs), BigInt(elapsedMs));
          expect(project(value, { elapsedMs, totalMs }).times('1e12').toFixed()).toBe(
            String(expected),
          );
        },
      ),
    );
  });

  test('never falls below what was used, and never falls while the same usage takes longer', () => {
    fc.assert(
      fc.property(
        anyDecimal(12),
        fc.integer({ min: 1, max: DAY }),
        fc.integer({ min: 0, max: DAY }),
        fc.integer({ min: 0, max: DAY }),
        (fraction, elapsedMs, later, rest) => {
          const value = new Decimal(fractionText(fraction));
          const totalMs = elapsedMs + later + rest;
          const now = project(value, { elapsedMs, totalMs });
          const then = project(value, { elapsedMs: elapsedMs + later, totalMs });
          expect(now.greaterThanOrEqualTo(then)).toBe(true);
          expect(then.greaterThanOrEqualTo(value)).toBe(true);
        },
      ),
    );
  });
});
