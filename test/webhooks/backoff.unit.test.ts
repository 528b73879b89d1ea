import { expect, test } from 'vitest';
import { MAX_ATTEMPTS, retryInMs } from '../../src/webhooks/delivery-settings.ts';

const HOUR = 3_600_000;
const delays = (random: number) =>
  Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => retryInMs(index + 1, random, 5_000) ?? 0);

test('each pause is four times the last, up to 12 hours', () => {
  expect(delays(1)).toEqual([
    ...[5_000, 20_000, 80_000, 320_000, 1_280_000, 5_120_000, 20_480_000],
    ...[12, 12, 12, 12, 12, 12].map((hours) => hours * HOUR),
  ]);
});

test('waits a random part of the pause, at least half', () => {
  expect(retryInMs(1, 0, 5_000)).toBe(2_500);
  expect(retryInMs(1, 0.5, 5_000)).toBe(3_750);
});

test('all attempts together take 1.5 to 3.5 days', () => {
  const sum = (random: number) => delays(random).reduce((a, b) => a + b, 0) / (24 * HOUR);
  expect(sum(0)).toBeCloseTo(1.66, 2);
  expect(sum(1)).toBeCloseTo(3.32, 2);
});

test('there is no pause after the last attempt', () => {
  expect(retryInMs(MAX_ATTEMPTS - 1, 0, 5_000)).not.toBeNull();
  expect(retryInMs(MAX_ATTEMPTS, 0, 5_000)).toBeNull();
});
