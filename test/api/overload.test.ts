import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBodyBudget, bodySize, MAX_BODY_BYTES } from '../../src/api/http/body-limits.ts';
import { HttpProblem } from '../../src/api/http/problems.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { countEvents } from '../ingestion/_ledger.ts';
import { lockTable, untilLockIsWaitedFor } from '../_util/locks.ts';
import { until } from '../_util/until.ts';
import { llmEvent } from './_harness.ts';
import { startTestServer, type TestServer } from './_server.ts';
import { head, openRaw } from './_sockets.ts';

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

test('a flood gets only 2xx and 503, and loses nothing acknowledged', async () => {
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
  // Each body is about 40 KiB, so 80 at once exceed the budget and the queue.
  await Promise.all(Array.from({ length: 80 }, flood));
  expect(refused).toBeGreaterThan(0);
  expect(acknowledged).toBeGreaterThan(0);
  expect(await countEvents(server.db)).toBe(acknowledged);
});

describe('a disconnecting client frees its bytes', () => {
  // There is room for one at a time, and only the disconnection ends a wait.
  const NEVER_MS = 600_000;
  let narrow: TestServer;
  beforeAll(async () => {
    narrow = await startTestServer({
      config: { maxBodyBytesInFlight: 1 },
      timeouts: { bodyMs: NEVER_MS, idleMs: NEVER_MS },
    });
  });
  afterAll(() => narrow[Symbol.asyncDispose]());

  const PACKED = 'Content-Encoding: gzip';
  const STREAM = 'Content-Type: application/x-ndjson';
  const BODIES: readonly (readonly [string, readonly string[]])[] = [
    ['a stream', [STREAM]],
    ['a compressed stream', [STREAM, PACKED]],
    ['JSON', ['Content-Type: application/json']],
    ['compressed JSON', ['Content-Type: application/json', PACKED]],
  ];
  const headOf = (key: string, headers: readonly string[]) =>
    head(
      'POST /api/v1/integrations/llm-usage',
      `Authorization: Bearer ${key}`,
      'Transfer-Encoding: chunked',
      ...headers,
    );
  const untilNobodyIsConnected = () =>
    until(
      () => Promise.resolve(narrow.openSockets()),
      (count) => count === 0,
    );
  /** With a cached key, whose request is the last to reserve bytes. */
  async function expectRoom(): Promise<void> {
    const response = await fetch(`${narrow.api.url}/api/v1/integrations/llm-usage`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${narrow.keys.gateway}`,
        'Content-Type': 'application/json',
        Connection: 'close',
      },
      body: JSON.stringify(llmEvent()),
    });
    expect(response.status).toBe(201);
  }

  test.each(BODIES)('%s, while its key is being looked up', async (_what, headers) => {
    const { plainKey } = await createKey(narrow.db, { label: 'new', scope: 'gateway' });
    await expectRoom();
    // Every lookup of a key waits.
    await using lock = await lockTable(narrow.superuserUrl, 'api_keys');
    const clients = [1, 2].map(() => openRaw(narrow, headOf(plainKey, headers)));
    await until(
      () => Promise.resolve(narrow.openResponses()),
      (count) => count === clients.length,
    );
    await untilLockIsWaitedFor(narrow.superuserUrl, (sessions) => sessions > 0);
    for (const { socket } of clients) socket.destroy();
    await untilNobodyIsConnected();
    await lock.release();
    await untilLockIsWaitedFor(narrow.superuserUrl, (sessions) => sessions === 0);
    await until(
      () => expectRoom().then(() => true),
      (hasRoom) => hasRoom,
      5_000,
    );
  });

  test.each(BODIES)('%s, in the middle of the body', async (_what, headers) => {
    const part = gzipSync(JSON.stringify(llmEvent())).subarray(0, 20);
    const client = openRaw(narrow, headOf(narrow.keys.gateway, headers), '14\r\n');
    client.socket.write(part);
    await until(
      () =>
        expectRoom().then(
          () => false,
          () => true,
        ),
      (isTaken) => isTaken,
    );
    client.socket.destroy();
    await untilNobodyIsConnected();
    await until(
      () => expectRoom().then(() => true),
      (hasRoom) => hasRoom,
      5_000,
    );
  });
});

test('failing readiness has a Retry-After', async () => {
  // There is no Temporal here.
  const response = await fetch(`${server.api.url}/readyz`);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
});

test('the budget reserves bytes until they are released once', () => {
  const budget = createBodyBudget(100);
  const giveBack = budget.take(60);
  expect(() => budget.take(41)).toThrow(HttpProblem);
  const other = budget.take(40);
  giveBack();
  giveBack();
  expect(() => budget.take(61)).toThrow('too many large requests');
  other();
  // A single request is always accepted.
  expect(budget.take(1_000)).toBeTypeOf('function');
});

describe('waiting for bytes of the budget', () => {
  const never = new AbortController().signal;
  /** @returns the names of those that were admitted */
  function waitFor(budget: ReturnType<typeof createBodyBudget>, ...waits: [string, number][]) {
    const admitted: string[] = [];
    const done = waits.map(async ([name, bytes]) => {
      const giveBack = await budget.wait(bytes, never);
      admitted.push(name);
      return giveBack;
    });
    return { admitted, done };
  }

  test('ends when they are released, in turn', async () => {
    const budget = createBodyBudget(100);
    const giveBack = await budget.wait(80, never);
    const { admitted, done } = waitFor(budget, ['a', 30], ['b', 10], ['c', 90]);
    await setImmediate();
    // There would be room for the second one.
    expect(admitted).toEqual([]);
    giveBack();
    giveBack();
    const [first, second] = await Promise.all([done[0], done[1]]);
    expect(admitted).toEqual(['a', 'b']);
    first?.();
    second?.();
    await done[2];
    expect(admitted).toEqual(['a', 'b', 'c']);
    expect(() => budget.take(20)).toThrow('too many large requests');
  });

  test('ends when the client is gone, and those behind it are admitted', async () => {
    const budget = createBodyBudget(100);
    await budget.wait(80, never);
    const client = new AbortController();
    const left = budget.wait(90, client.signal);
    const { admitted, done } = waitFor(budget, ['behind', 20]);
    client.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    await done[0];
    expect(admitted).toEqual(['behind']);
    await expect(budget.wait(1, client.signal)).rejects.toThrow('gone');
  });
});

test.each([
  [{ 'content-length': '1000' }, 1000],
  [{ 'content-length': '1000', 'content-encoding': 'identity' }, 1000],
  [{ 'content-length': '1000', 'content-encoding': 'gzip' }, MAX_BODY_BYTES],
  [{ 'content-length': '99999999999' }, MAX_BODY_BYTES],
  [{ 'content-length': 'x' }, MAX_BODY_BYTES],
  [{ 'transfer-encoding': 'chunked' }, MAX_BODY_BYTES],
])('%j counts as %i bytes', (headers, bytes) => {
  expect(bodySize(headers, MAX_BODY_BYTES)).toBe(bytes);
});
