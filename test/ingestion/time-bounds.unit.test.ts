import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUtcInstant } from '../../src/ingestion/instant.ts';
import { checkTime, DEFAULT_TIME_BOUNDS, toTimeBounds } from '../../src/ingestion/time-bounds.ts';

const NOW = new Date('2026-05-30T12:00:00.500Z');

const at = (occurredAt: string, isBackfill = false) =>
  checkTime(parseUtcInstant(occurredAt)!, NOW, DEFAULT_TIME_BOUNDS, isBackfill);

test.each([
  ['now', '2026-05-30T12:00:00.5Z'],
  ['62 days ago, exactly', '2026-03-29T12:00:00.5Z'],
  ['5 minutes ahead, exactly', '2026-05-30T12:05:00.5Z'],
  ['the same elsewhere', '2026-05-30T22:05:00.500000000+10:00'],
])('accepts %s', (_what, occurredAt) => {
  expect(at(occurredAt)).toBeNull();
});

test.each(['2026-03-29T12:00:00.499999999Z', '2026-03-29T12:00:00Z', '2000-01-01T00:00:00Z'])(
  'rejects %s as too old, and says what to do',
  (occurredAt) => {
    expect(at(occurredAt)).toEqual({
      pointer: '/occurred_at',
      detail: `${occurredAt} is more than 62 days ago: an operator can send it as a backfill`,
    });
    expect(at(occurredAt, true)).toBeNull();
  },
);

test.each(['2026-05-30T12:05:00.500000001Z', '2026-05-30T12:05:01Z', '2999-12-31T23:59:59Z'])(
  'rejects %s as too far ahead, even as a backfill',
  (occurredAt) => {
    const refusal = {
      pointer: '/occurred_at',
      detail: `${occurredAt} is more than 300 seconds ahead: check the sender's clock`,
    };
    expect(at(occurredAt)).toEqual(refusal);
    expect(at(occurredAt, true)).toEqual(refusal);
  },
);

test('agrees with exact integers to the nanosecond around each bound', () => {
  const bounds = toTimeBounds({ maxAgeDays: 3, maxAheadSeconds: 7 });
  const nowNs = BigInt(NOW.getTime()) * 1_000_000n;
  const offset = fc.oneof(
    fc.bigInt(-3n, 3n),
    fc.bigInt(-2_000_000_000n, 2_000_000_000n),
    fc.bigInt(-400_000_000_000_000_000n, 400_000_000_000_000_000n),
  );
  const from = fc.constantFrom(-3n * 86_400_000_000_000n, 7_000_000_000n);
  fc.assert(
    fc.property(from, offset, (bound, beside) => {
      const away = bound + beside;
      const ns = nowNs + away;
      const seconds = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
      const fraction = String(ns % 1_000_000_000n).padStart(9, '0');
      const refusal = checkTime(parseUtcInstant(`${seconds}.${fraction}Z`)!, NOW, bounds, false);
      const isWithin = away >= -3n * 86_400_000_000_000n && away <= 7_000_000_000n;
      expect(refusal === null).toBe(isWithin);
    }),
    { numRuns: 2_000 },
  );
});
