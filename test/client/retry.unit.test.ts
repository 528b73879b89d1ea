import { describe, expect, test } from 'vitest';
import {
  DEFAULT_RETRY,
  isIdempotent,
  withRetries,
  readRetryAfterMs,
} from '../../src/client/retry.ts';

const USAGE = 'http://api/api/v1/integrations/llm-usage';

type Step = number | readonly [status: number, retryAfter: string] | 'broken';

/** Sends a request against scripted answers; tells what was sent and how long it waited. */
async function run(
  steps: readonly Step[],
  request = new Request(USAGE, { method: 'POST', body: 'x' }),
) {
  const bodies: string[] = [];
  const pauses: number[] = [];
  const send = withRetries(
    async (sent) => {
      bodies.push(await sent.text());
      const step = steps[Math.min(bodies.length, steps.length) - 1]!;
      if (step === 'broken') throw new TypeError('fetch failed');
      const [status, retryAfter] = typeof step === 'number' ? [step, null] : step;
      return new Response('{}', {
        status,
        headers: retryAfter ? { 'Retry-After': retryAfter } : {},
      });
    },
    {
      ...DEFAULT_RETRY,
      attempts: 4,
      random: () => 1,
      pause: (ms) => {
        pauses.push(ms);
        return Promise.resolve();
      },
    },
  );
  const result = await send(request).then(
    ({ status }) => status,
    (error: unknown) => String(error),
  );
  return { result, bodies, pauses };
}

test('it sends the same body again after 425, 503 and a broken connection', async () => {
  const { result, bodies } = await run([425, 503, 'broken', 200]);
  expect(result).toBe(200);
  expect(bodies).toEqual(['x', 'x', 'x', 'x']);
});

test('pauses double, and Retry-After comes first', async () => {
  expect((await run([500, 500, 500, 500])).pauses).toEqual([200, 400, 800]);
  expect((await run([[503, '7'], 'broken', 200])).pauses).toEqual([7000, 400]);
});

test('after the last attempt there is its answer, or its error', async () => {
  expect(await run([503])).toMatchObject({ result: 503, bodies: ['x', 'x', 'x', 'x'] });
  expect((await run(['broken'])).result).toBe('TypeError: fetch failed');
});

test.each([200, 400, 401, 403, 404, 409, 413, 415, 422])(
  '%i is not asked again',
  async (status) => {
    expect((await run([status, 200])).bodies).toHaveLength(1);
  },
);

test('what may not be sent twice is sent once', async () => {
  const rollUp = new Request('http://api/api/v1/roll-ups', { method: 'POST', body: 'x' });
  expect(await run([503, 202], rollUp)).toMatchObject({ result: 503, bodies: ['x'] });
});

test('a caller who gives up is not kept waiting', async () => {
  const gaveUp = new AbortController();
  const send = withRetries(
    () => {
      gaveUp.abort(new Error('enough'));
      return Promise.resolve(new Response(null, { status: 503 }));
    },
    { ...DEFAULT_RETRY, firstPauseMs: 1e9, longestPauseMs: 1e9 },
  );
  await expect(send(new Request(USAGE, { signal: gaveUp.signal }))).rejects.toThrow('enough');
});

test('jitter takes away up to a half', async () => {
  const pauses: number[] = [];
  const pause = (ms: number) => {
    pauses.push(ms);
    return Promise.resolve();
  };
  const broken = () => Promise.reject(new TypeError('fetch failed'));
  const send = withRetries(broken, { ...DEFAULT_RETRY, attempts: 2, random: () => 0, pause });
  await expect(send(new Request(USAGE))).rejects.toThrow('fetch failed');
  expect(pauses).toEqual([100]);
});

describe('idempotent', () => {
  test.each([
    ['GET', '/api/v1/invoices', true],
    ['PUT', '/api/v1/tenants/acme', true],
    ['DELETE', '/api/v1/keys/x', true],
    ['POST', '/api/v1/integrations/metered-usage', true],
    ['POST', '/api/v1/quote', true],
    ['POST', '/api/v1/roll-ups', false],
    ['PATCH', '/api/v1/invoices', false],
  ])('%s %s: %s', (method, path, expected) => {
    expect(isIdempotent({ method, url: `http://api${path}` })).toBe(expected);
  });
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-05-01T00:00:00Z');
  expect(readRetryAfterMs('3', now)).toBe(3000);
  expect(readRetryAfterMs('Fri, 01 May 2026 00:00:05 GMT', now)).toBe(5000);
  expect(readRetryAfterMs('Thu, 30 Apr 2026 00:00:00 GMT', now)).toBe(0);
  expect([readRetryAfterMs(null, now), readRetryAfterMs('soon', now)]).toEqual([null, null]);
});
