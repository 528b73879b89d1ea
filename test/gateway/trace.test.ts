import { Decimal as DecimalJs } from 'decimal.js';
import { describe, expect, test } from 'vitest';
import { isDecimalString } from '../../src/domain/decimal.ts';
import { PRICE_TABLE, priceRequest } from '../../src/gateway/price-table.ts';
import { mapTrace } from '../../src/gateway/trace-events.ts';
import { parseTrace } from '../../src/gateway/trace.ts';

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

  test.each(['', 'a,b,c\n1,2,3', `${HEADER}\n"open`])('is refused where it is none: %j', (csv) => {
    expect(() => parseTrace(csv)).toThrow(/line 1|not CSV/);
  });
});

describe('mapped onto a month', () => {
  const { requests } = parseTrace(CSV);
  const deployments = ['a', 'b', 'c'].map((id) => ({ tenantId: id, deploymentId: `${id}-1` }));
  const map = (traceId = 'x') => mapTrace(requests, { month: '2026-02', deployments, traceId });

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
    const mapped = mapTrace(rest, { month: '2026-02', deployments, traceId: 'x' });
    expect(identity(mapped)).toEqual(identity(map()).filter((_, index) => index !== 1));
  });

  test('one request alone is at the start', () => {
    const [event] = mapTrace(requests.slice(0, 1), { month: '2026-02', deployments, traceId: 'x' });
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
