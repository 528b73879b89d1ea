import { connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { generateApiKey } from '../../src/db/access/api-keys.ts';
import { lastNoticed } from '../../src/db/access/api-notices.ts';
import { countLockWaits, lockTable, type TableLock } from '../_util/locks.ts';
import { until } from '../_util/until.ts';
import { llmEvent } from './_harness.ts';
import { startTestServer, type TestServer } from './_server.ts';

const LLM = '/api/v1/integrations/llm-usage';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    timeouts: { headersMs: 300, bodyMs: 300, checkMs: 50, lingerMs: 300 },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Sends bytes unchanged. @returns everything until the server closes the connection */
function raw(...parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.api.url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(answer);
    });
    for (const part of parts) socket.write(part);
  });
}

function expectProblem(answer: string, status: number, name: string): void {
  expect(answer.split('\r\n', 1)[0]).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
  expect(answer).toContain(`"type":"urn:arcadia:problem:${name}"`);
  expect(answer.toLowerCase()).toContain('connection: close');
}

const isAlive = async () => (await fetch(`${server.api.url}/healthz`)).status === 200;

describe('invalid HTTP', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['TLS', '\u0016\u0003\u0001\u0000\u0001\r\n'],
    ['a header without a name', 'GET /healthz HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n'],
    [
      'two lengths',
      'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    ],
    [
      'a length and chunks',
      'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('%s is 400', async (_what, bytes) => {
    expectProblem(await raw(bytes), 400, 'malformed-request');
    expect(await isAlive()).toBe(true);
  });

  test('a head beyond 16 KiB is 431', async () => {
    const answer = await raw(
      `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`,
    );
    expectProblem(answer, 431, 'headers-too-large');
    expect(await isAlive()).toBe(true);
  });

  test('an unfinished or missing head is 408', async () => {
    expectProblem(await raw('GET /healthz HTTP/1.1\r\nHost: x\r\n'), 408, 'request-timeout');
    expectProblem(await raw(), 408, 'request-timeout');
  });
});

test('accepts 100 headers and rejects 101', async () => {
  const get = (count: number) =>
    raw(
      'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n' +
        Array.from({ length: count - 2 }, (_, index) => `X-${index}: y\r\n`).join('') +
        '\r\n',
    );
  expect(await get(100)).toMatch(/^HTTP\/1\.1 200 /);
  expectProblem(await get(101), 431, 'headers-too-large');
});

test('a body that never arrives is 408 and closes the connection', async () => {
  const answer = await raw(
    `POST ${LLM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.keys.gateway}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"events":',
  );
  expectProblem(answer, 408, 'request-timeout');
});

describe('ambiguous JSON', () => {
  const post = (body: string) =>
    fetch(`${server.api.url}${LLM}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${server.keys.gateway}`,
        'Content-Type': 'application/json',
      },
      body,
    });

  test('is rejected with a pointer to the duplicate', async () => {
    const event = JSON.stringify(llmEvent());
    const twice = event.replace('{', '{"charge_cents":"9",');
    const response = await post(`{"events":[${event},${twice}]}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: 'urn:arcadia:problem:malformed-request',
      errors: [
        { pointer: '/events/1/charge_cents', detail: 'this name appears twice in its object' },
      ],
    });
  });

  test('is rejected when nested too deep', async () => {
    const response = await post(`{"events":${'['.repeat(500_000)}${']'.repeat(500_000)}}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      detail: expect.stringContaining('nested deeper than 32 levels') as string,
    });
  });
});

/** Counts the sessions of the API that wait for a lock. */
const countWaitingSessions = ({ superuserUrl }: TestServer) =>
  countLockWaits(superuserUrl, 'test-api-server');

function capturingLogger() {
  const warnings: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => warnings.push(line) });
  return { logger, warnings };
}

describe('X-Forwarded-For', () => {
  const noticeOf = ({ db }: TestServer) => lastNoticed(db, 'untrusted_proxy');
  const get = ({ api }: TestServer, headers: Record<string, string>) =>
    fetch(`${api.url}/healthz`, { headers });

  test('without a trusted proxy is logged once an hour with the peer', async () => {
    const { logger, warnings } = capturingLogger();
    let now = new Date('2026-05-30T12:00:00Z');
    await using direct = await startTestServer({ logger, now: () => now });
    await get(direct, {});
    expect(await noticeOf(direct)).toBeNull();
    await get(direct, { 'X-Forwarded-For': '10.0.0.1' });
    await until(
      () => noticeOf(direct),
      (at) => at?.startsWith('2026-05-30T12:00:00') === true,
    );
    now = new Date('2026-05-30T12:59:59Z');
    await get(direct, { 'X-Forwarded-For': '10.0.0.2' });
    now = new Date('2026-05-30T13:00:00Z');
    await get(direct, { 'X-Forwarded-For': '10.0.0.3' });
    await until(
      () => noticeOf(direct),
      (at) => at?.startsWith('2026-05-30T13:00:00') === true,
    );
    const told = warnings.filter((line) => line.includes('API_TRUSTED_PROXIES'));
    expect(told).toHaveLength(2);
    expect(JSON.parse(told[0] ?? '')).toMatchObject({ peer: '127.0.0.1' });
  });

  test('from a trusted proxy is not logged', async () => {
    const { logger, warnings } = capturingLogger();
    await using proxied = await startTestServer({ logger, config: { trustedProxies: 1 } });
    await get(proxied, { 'X-Forwarded-For': '10.0.0.1' });
    expect(warnings.filter((line) => line.includes('API_TRUSTED_PROXIES'))).toEqual([]);
  });
});

describe('failed keys', () => {
  const get = (on: TestServer, key: string, forwardedFor: string) =>
    fetch(`${on.api.url}/api/v1/invoices`, {
      headers: { Authorization: `Bearer ${key}`, 'X-Forwarded-For': forwardedFor },
    });

  test('are limited by address, which a header cannot forge, and valid keys still work', async () => {
    await using strict = await startTestServer({ config: { failedAuthsPerMinute: 3 } });
    const { operator, metering } = strict.keys;
    expect((await get(strict, operator, '1.1.1.1')).status).toBe(200);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect((await get(strict, 'wrong', `10.0.0.${attempt}`)).status).toBe(401);
    }
    const refused = await get(strict, 'wrong', '10.0.0.9');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await refused.json()).toMatchObject({ type: 'urn:arcadia:problem:rate-limited' });
    expect((await get(strict, operator, '10.0.0.9')).status).toBe(200);
    // New to this process; it may not read invoices, but it is valid.
    expect((await get(strict, metering, '10.0.0.9')).status).toBe(403);
  });

  test('a flood of unknown keys uses one connection, and a valid key still works', async () => {
    await using flooded = await startTestServer({ config: { failedAuthsPerMinute: 1 } });
    const openResponses = () => Promise.resolve(flooded.openResponses());
    // Lookups wait, as with a slow database.
    await using lock = await lockTable(flooded.superuserUrl, 'api_keys');
    const guesses = Array.from({ length: 200 }, () =>
      get(flooded, generateApiKey('operator'), '10.0.0.1'),
    );
    await until(openResponses, (open) => open === 200);
    const valid = get(flooded, flooded.keys.operator, '10.0.0.1');
    await until(openResponses, (open) => open === 201);
    await until(
      () => countWaitingSessions(flooded),
      (count) => count === 1,
    );
    await lock.release();
    expect((await valid).status).toBe(200);
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(1);
    expect(statuses.filter((status) => status === 429)).toHaveLength(199);
  });

  test('count by the forwarded address if a proxy is configured', async () => {
    await using proxied = await startTestServer({
      config: { failedAuthsPerMinute: 1, trustedProxies: 1 },
    });
    expect((await get(proxied, 'wrong', '10.0.0.1')).status).toBe(401);
    expect((await get(proxied, 'wrong', '10.0.0.1')).status).toBe(429);
    expect((await get(proxied, 'wrong', '10.0.0.2')).status).toBe(401);
  });
});

describe('many concurrent requests of one key', () => {
  let busy: TestServer;
  let lock: TableLock;
  beforeEach(async () => {
    busy = await startTestServer();
    // From here on this process has cached the keys.
    expect((await get()).status).toBe(200);
    await post();
    // Reading invoices waits, as if it were expensive.
    lock = await lockTable(busy.superuserUrl, 'invoices');
  });
  afterEach(async () => {
    await lock[Symbol.asyncDispose]();
    await busy[Symbol.asyncDispose]();
  });

  const get = () =>
    fetch(`${busy.api.url}/api/v1/invoices`, {
      headers: { Authorization: `Bearer ${busy.keys.operator}` },
    });
  const post = async () => {
    const response = await fetch(`${busy.api.url}${LLM}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${busy.keys.gateway}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify(llmEvent()),
    });
    expect(response.status).toBe(201);
  };
  const atWork = () => countWaitingSessions(busy);
  const openResponses = () => Promise.resolve(busy.openResponses());

  test('are served four at a time, while usage continues', async () => {
    const requests = Array.from({ length: 30 }, () => get());
    await until(openResponses, (open) => open === 30);
    await until(atWork, (count) => count === 4);
    await post();
    expect(await atWork()).toBe(4);
    await lock.release();
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test('are rejected once a hundred wait', async () => {
    const requests = Array.from({ length: 105 }, () => get());
    const first = await Promise.race(requests);
    expect(first.status).toBe(429);
    expect(first.headers.get('retry-after')).toBe('1');
    await lock.release();
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(104);
  });

  test('that disconnect keep their slot while their work continues', async () => {
    const head = `GET /api/v1/invoices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${busy.keys.operator}\r\n\r\n`;
    for (const round of [1, 2]) {
      const clients = Array.from({ length: 6 }, () => {
        const socket = connect(Number(new URL(busy.api.url).port), '127.0.0.1');
        socket.write(head);
        return socket;
      });
      await until(openResponses, (open) => open === 6);
      await until(atWork, (count) => count === 4);
      for (const client of clients) client.destroy();
      await until(openResponses, (open) => open === 0);
      expect(await atWork(), `round ${round}`).toBe(4);
    }
    await lock.release();
    expect((await get()).status).toBe(200);
  });
});

test('connections beyond the limit are closed without an answer', async () => {
  await using small = await startTestServer({ config: { maxClients: 1 } });
  const port = Number(new URL(small.api.url).port);
  const first = connect(port, '127.0.0.1');
  const head = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  const answered = new Promise<string>((resolve) => {
    first.once('data', (chunk) => {
      resolve(chunk.toString());
    });
  });
  first.write(head);
  expect(await answered).toContain('200 OK');
  const second = connect(port, '127.0.0.1');
  const answer = await new Promise<string>((resolve) => {
    let text = '';
    second.on('data', (chunk) => (text += chunk.toString()));
    second.on('error', () => undefined);
    second.on('close', () => {
      resolve(text);
    });
    second.write(head);
  });
  expect(answer).toBe('');
  first.destroy();
});

describe('old usage', () => {
  const bounds = { usage: { maxAgeDays: 62, maxAheadSeconds: 300 } };
  const DAY_MS = 86_400_000;
  let bounded: TestServer;
  let now = new Date('2026-05-30T12:00:00Z');
  beforeAll(async () => {
    bounded = await startTestServer({ config: bounds, now: () => now });
  });
  afterAll(() => bounded[Symbol.asyncDispose]());

  const post = (key: string, body: object, query = '') =>
    fetch(`${bounded.api.url}${LLM}${query}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('is rejected if new, and stays a duplicate or conflict if known', async () => {
    const { gateway } = bounded.keys;
    const event = llmEvent({ occurred_at: '2026-05-30T12:00:00Z' });
    expect((await post(gateway, event)).status).toBe(201);
    now = new Date(now.getTime() + 63 * DAY_MS);
    expect((await post(gateway, event)).status).toBe(200);
    expect((await post(gateway, { ...event, model: 'other' })).status).toBe(409);
    const late = llmEvent({ occurred_at: '2026-05-30T12:00:00Z' });
    const refused = await post(gateway, late);
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      errors: [
        {
          pointer: '/occurred_at',
          detail: expect.stringContaining('an operator can send it as a backfill') as string,
        },
      ],
    });
    const batch = await post(gateway, { events: [late, event, late] });
    expect(await batch.json()).toMatchObject({ counts: { rejected: 2, duplicate: 1 } });
  });

  test('is accepted only from an operator with a reason', async () => {
    const { gateway, operator } = bounded.keys;
    const late = llmEvent({ occurred_at: '2025-01-01T00:00:00Z' });
    expect((await post(operator, late)).status).toBe(422);
    expect((await post(operator, late, '?backfill_reason=')).status).toBe(422);
    expect((await post(operator, late, `?backfill_reason=${'x'.repeat(201)}`)).status).toBe(422);
    expect((await post(gateway, late, '?backfill_reason=outage')).status).toBe(403);
    expect((await post(operator, late, '?backfill_reason=outage')).status).toBe(201);
    const ahead = llmEvent({ occurred_at: '2900-01-01T00:00:00Z' });
    expect((await post(operator, ahead, '?backfill_reason=outage')).status).toBe(422);
  });
});
