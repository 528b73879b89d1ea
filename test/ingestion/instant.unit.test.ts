import { describe, expect, test } from 'vitest';
import { parseUtcInstant } from '../../src/ingestion/instant.ts';

describe('parseUtcInstant', () => {
  test.each([
    ['2026-05-10T12:00:00Z', '2026-05-10T12:00:00Z'],
    ['2026-05-10t12:00:00z', '2026-05-10T12:00:00Z'],
    ['2026-05-31T23:30:00-02:00', '2026-06-01T01:30:00Z'],
    ['2026-03-01T00:30:00+01:00', '2026-02-28T23:30:00Z'],
    ['2028-02-29T00:00:00.120000000Z', '2028-02-29T00:00:00.12Z'],
    ['2026-05-10T12:00:00.000Z', '2026-05-10T12:00:00Z'],
    ['2026-05-10T12:00:00.0010Z', '2026-05-10T12:00:00.001Z'],
    ['2999-12-31T23:59:59.999999999Z', '2999-12-31T23:59:59.999999999Z'],
  ])('%s', (text, utc) => {
    expect(parseUtcInstant(text)).toMatchObject({ text: utc });
  });

  test('gives the second as a number, to compare with a clock', () => {
    const { epochMs } = parseUtcInstant('2026-05-31T23:30:00.999-02:00')!;
    expect(epochMs).toBe(Date.UTC(2026, 5, 1, 1, 30, 0));
  });

  test('truncates digits that PostgreSQL would round, perhaps into the next month', () => {
    const instant = parseUtcInstant('2026-05-31T23:59:59.999999999Z');
    expect(instant).toMatchObject({
      stored: '2026-05-31T23:59:59.999999Z',
    });
  });

  test.each([
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-05-10T24:00:00Z',
    '2026-05-10T12:60:00Z',
    '2026-05-10T12:00:60Z',
    '2026-05-10T12:00:00',
    '2026-05-10 12:00:00Z',
    '2026-05-10T12:00Z',
    '2026-05-10T12:00:00+24:00',
    '2026-05-10T12:00:00+0200',
    '2026-05-10T12:00:00.Z',
    '2026-05-10T12:00:00Z ',
    '2026-05-10T12:00:00+02:000',
    '2026-05-10T12:00:00.1234567890Z',
    '2000-01-01T00:00:00+00:01',
    '2999-12-31T23:59:59-00:01',
    '1999-12-31T23:59:59Z',
    '+002026-05-10T12:00:00Z',
    '2026-W19-7T12:00:00Z',
    'yesterday',
    '',
  ])('rejects %j', (text) => {
    expect(parseUtcInstant(text)).toBeNull();
  });
});
