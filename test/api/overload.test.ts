import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBodyBudget } from '../../src/api/body-budget.ts';
import { bodySize, MAX_BODY_BYTES } from '../../src/api/body-size.ts';
import { HttpProblem } from '../../src/api/problems.ts';
import { countEvents } from '../ingestion/_ledger.ts';
import { llmEvent } from './_harness.ts';
import { startTestServer, type TestServer } from './_server.ts';

const BUDGET = 256 * 1024;
const QUEUE = 400;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    config: { maxBodyBytesInFlight: BUDGET },
    ingestionLimits: { maxQueuedItems: QUEUE, maxConcurrent: 1 },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

test('a flood is answered by 2xx and 503 alone, and nothing acknowledged is lost', async () => {
  let acknowledged = 0;
  let refused = 0;
  async function flood(): Promise<void> {
    for (let round = 0; round < 6; round += 1) {
      const events = Array.from({ length: 200 }, () => llmEvent());
      const response = await fetch(`${server.api.url}/api/v1/integrations/llm-usage`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${server.keys.gateway}`,
          'Content-Type': 'application/json',
        },
        body: JSON.stringify({ events }),
      });
      const body = (await response.json()) as { type?: string; counts?: { accepted: number } };
      if (response.status === 200) {
        acknowledged += body.counts?.accepted ?? 0;
        continue;
      }
      refused += 1;
      expect(response.status).toBe(503);
      expect(body.type).toBe('urn:arcadia:problem:overloaded');
      expect(response.headers.get('retry-after')).toBe('1');
    }
  }
  // Each body is about 40 KiB: some 80 at once are over the budget, and over the queue.
  await Promise.all(Array.from({ length: 80 }, flood));
  expect(refused).toBeGreaterThan(0);
  expect(acknowledged).toBeGreaterThan(0);
  expect(await countEvents(server.db)).toBe(acknowledged);
});

test('readiness that fails says when to come again', async () => {
  // There is no Temporal here.
  const response = await fetch(`${server.api.url}/readyz`);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
});

test('the budget holds bytes until they are given back, once', () => {
  const budget = createBodyBudget(100);
  const giveBack = budget.take(60);
  expect(() => budget.take(41)).toThrow(HttpProblem);
  const other = budget.take(40);
  giveBack();
  giveBack();
  expect(() => budget.take(61)).toThrow('too many bodies');
  other();
  // Alone, anything is taken.
  expect(budget.take(1_000)).toBeTypeOf('function');
});

test.each([
  [{ 'content-length': '1000' }, 1000],
  [{ 'content-length': '1000', 'content-encoding': 'identity' }, 1000],
  [{ 'content-length': '1000', 'content-encoding': 'gzip' }, MAX_BODY_BYTES],
  [{ 'content-length': '99999999999' }, MAX_BODY_BYTES],
  [{ 'content-length': 'x' }, MAX_BODY_BYTES],
  [{ 'transfer-encoding': 'chunked' }, MAX_BODY_BYTES],
])('%j counts as %i bytes', (headers, bytes) => {
  expect(bodySize(headers)).toBe(bytes);
});
