import { periodOf } from '../_util/utc.ts';
import { Decimal as DecimalJs } from 'decimal.js';
import { describe, expect, test } from 'vitest';
import { isDecimalString } from '../../src/domain/decimal.ts';
import { PRICE_TABLE, priceRequest, mapTrace } from '../../src/cli/replay/trace-events.ts';
import { parseTrace } from '../../src/cli/replay/trace-file.ts';

const HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens';
const CSV = [
  HEADER,
  '2023-11-16 18:17:03.9799600,4808,10',
  '2023-11-16 18:17:04.0319600,3180,8',
  '2023-11-16 18:17:04.0781490,110,27',
  '2023-11-16 18:18:04.0781495,7433,14',
].join('\r\n');

describe('a trace', () => {
  test('is read with its line numbers, to the microsecond', () => {
    const { requests, malformed } = parseTrace(CSV);
    expect(malformed).toEqual([]);
    expect(requests[0]).toEqual({
      line: 2,
      micros: 1700158623979960n,
      inputTokens: 4808,
      outputTokens: 10,
    });
    expect(requests.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
  });

  test.each([
    ['2023-11-31 18:17:03.97,1,1', 'TIMESTAMP'],
    ['yesterday,1,1', 'TIMESTAMP'],
    ['2023-11-16 18:17:03,-1,1', 'ContextTokens'],
    ['2023-11-16 18:17:03,1,1.5', 'GeneratedTokens'],
    ['2023-11-16 18:17:03,1,NaN', 'GeneratedTokens'],
    ['2023-11-16 18:17:03,1', '3 cells'],
    ['2023-11-16 18:17:03,1,2,3', '3 cells'],
  ])('tells the line of %s', (row, reason) => {
    const { requests, malformed } = parseTrace(`${CSV}\n${row}\n`);
    expect(requests).toHaveLength(4);
    expect(malformed).toEqual([{ line: 6, reason: expect.stringContaining(reason) as string }]);
  });

  test.each([
    ['no column', ''],
    ['other columns', 'a,b,c\n1,2,3'],
    ['a column too few', 'TIMESTAMP,ContextTokens\n2023-11-16 18:17:03,1'],
    ['columns of two kinds of trace', 'TIMESTAMP,Request tokens,Response tokens\n1,2,3'],
  ])('with %s is refused, and the columns that it needs are named', (_name, csv) => {
    expect(() => parseTrace(csv)).toThrow(
      /^line 1: .*TIMESTAMP, ContextTokens, GeneratedTokens.* or Timestamp, Request tokens, Response tokens/,
    );
  });

  test('that is no CSV is refused', () => {
    expect(() => parseTrace(`${HEADER}\n"open`)).toThrow(/not CSV/);
  });

  test('of 2024, whose instants name their offset, is read', () => {
    const rows = [
      '2024-05-10 00:00:00.009930+00:00,2162,5',
      '2024-05-10 00:00:01+00:00,2399,6',
      '2024-05-09 23:30:01.5-00:30,76,15',
      '2024-05-10 09:00:01.75+09:00,2376,5',
    ];
    const { requests, malformed } = parseTrace([HEADER, ...rows].join('\n'));
    expect(malformed).toEqual([]);
    const first = BigInt(Date.parse('2024-05-10T00:00:00Z')) * 1000n;
    expect(requests.map(({ micros }) => micros - first)).toEqual([
      9930n,
      1_000_000n,
      1_500_000n,
      1_750_000n,
    ]);
    expect(requests[0]).toMatchObject({ line: 2, inputTokens: 2162, outputTokens: 5 });
  });

  test.each(['+24:00', '+00:60', '+0000', ' +00:00', 'UTC'])('has no offset %j', (offset) => {
    const { malformed } = parseTrace(`${HEADER}\n2024-05-10 00:00:00${offset},1,1`);
    expect(malformed).toHaveLength(1);
  });

  test('of BurstGPT is read: seconds since its start, and columns by their names', () => {
    const csv = [
      'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type',
      '5,,2.1,ChatGPT,472,18,490,Conversation log',
      '45.25,7,0.4,GPT-4,1087,0,1087,API log',
      'soon,7,0.4,GPT-4,1,1,2,API log',
    ].join('\n');
    const { requests, malformed } = parseTrace(csv);
    expect(requests).toEqual([
      { line: 2, micros: 5_000_000n, inputTokens: 472, outputTokens: 18 },
      { line: 3, micros: 45_250_000n, inputTokens: 1087, outputTokens: 0 },
    ]);
    expect(malformed).toEqual([{ line: 4, reason: expect.stringContaining('seconds since') }]);
    // Its first edition has fewer columns.
    const first =
      'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,GPT-4,1,2,3,API log';
    expect(parseTrace(first).requests).toHaveLength(1);
    const deployments = [{ tenantId: 'a', deploymentId: 'a-1' }];
    const mapped = mapTrace(requests, { period: periodOf('2026-02'), deployments, traceId: 'x' });
    expect(mapped.map(({ occurred_at }) => occurred_at)).toEqual([
      '2026-02-01T00:00:00.000000Z',
      '2026-02-28T23:59:59.999999Z',
    ]);
  });
});

describe('mapped onto a month', () => {
  const { requests } = parseTrace(CSV);
  const deployments = ['a', 'b', 'c'].map((id) => ({ tenantId: id, deploymentId: `${id}-1` }));
  const map = (traceId = 'x') =>
    mapTrace(requests, { period: periodOf('2026-02'), deployments, traceId });

  test('it fills the month, in order', () => {
    const instants = map().map(({ occurred_at }) => occurred_at);
    expect(instants[0]).toBe('2026-02-01T00:00:00.000000Z');
    expect(instants.at(-1)).toBe('2026-02-28T23:59:59.999999Z');
    expect(instants.toSorted()).toEqual(instants);
  });

  test('it makes the same events again, and other ids for another trace', () => {
    expect(map()).toEqual(map());
    expect(map('y')[0]?.gateway_request_id).toBe('replay-y-2026-02-2');
  });

  test('it goes round the deployments by row', () => {
    expect(map().map(({ deployment_id }) => deployment_id)).toEqual(['a-1', 'b-1', 'c-1', 'a-1']);
  });

  test('a row left out changes nothing for the others but their times', () => {
    const rest = requests.filter(({ line }) => line !== 3);
    const identity = (events: ReturnType<typeof map>) =>
      events.map((e) => [e.gateway_request_id, e.deployment_id, e.charge_cents]);
    const mapped = mapTrace(rest, { period: periodOf('2026-02'), deployments, traceId: 'x' });
    expect(identity(mapped)).toEqual(identity(map()).filter((_, index) => index !== 1));
  });

  test('one request alone is at the start', () => {
    const [event] = mapTrace(requests.slice(0, 1), {
      period: periodOf('2026-02'),
      deployments,
      traceId: 'x',
    });
    expect(event?.occurred_at).toBe('2026-02-01T00:00:00.000000Z');
  });
});

test('a charge is exact, and fits the ledger whatever the counts', () => {
  expect(priceRequest(PRICE_TABLE[0], 4808, 10)).toBe('0.072712913');
  for (const price of PRICE_TABLE) {
    for (const tokens of [0, 1, 7, 99_999_999]) {
      const charge = priceRequest(price, tokens, tokens);
      const exact =
        (BigInt(price.inputCents.replace('.', '')) + BigInt(price.outputCents.replace('.', ''))) *
        BigInt(tokens);
      expect(isDecimalString(charge)).toBe(true);
      expect(new DecimalJs(charge).times('1e10').toFixed()).toBe(exact.toString());
    }
  }
});
