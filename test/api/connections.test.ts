import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_WAITING_REQUESTS } from '../../src/api/http/connections.ts';
import { until } from '../_util/until.ts';
import { startTestServer, type TestServer } from './_server.ts';
import { head, openRaw } from './_sockets.ts';

/** Long enough that only the tested limit ends a connection. */
const NEVER_MS = 600_000;
const QUICK = { checkMs: 20 };
const CLOSE = ['Connection: close'];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const untilNoSockets = (on: TestServer) =>
  until(
    () => Promise.resolve([on.openSockets(), on.openResponses(), on.bytesToSend()]),
    (open) => open.every((count) => count === 0),
  );
const isAlive = async (on: TestServer) =>
  (await fetch(`${on.api.url}/healthz`, { headers: { Connection: 'close' } })).status === 200;

describe('pipelined requests', () => {
  test('are answered in order', async () => {
    const requests = Array.from({ length: MAX_WAITING_REQUESTS }, (_, index) =>
      head('GET /healthz', `X-Request-Id: request-${index}`, ...(index === 15 ? CLOSE : [])),
    );
    const answer = await openRaw(server, requests.join('')).closed;
    const ids = [...answer.matchAll(/^X-Request-Id: (.*)\r$/gm)].map(([, id]) => id);
    expect(ids).toEqual(requests.map((_, index) => `request-${index}`));
  });

  test('whose answers are not read hold one answer in memory', async () => {
    await using patient = await startTestServer({ timeouts: { sendMs: NEVER_MS } });
    const page = await fetch(`${patient.api.url}/openapi.json`, {
      headers: { Connection: 'close' },
    });
    const size = (await page.text()).length;
    const { socket, closed } = openRaw(
      patient,
      head('GET /openapi.json').repeat(MAX_WAITING_REQUESTS),
    );
    socket.pause();
    // The system's buffers take a few answers; further ones must not pile up.
    await until(
      () => Promise.resolve(patient.bytesToSend()),
      (bytes) => bytes > 0,
    );
    expect(patient.bytesToSend()).toBeLessThan(2 * size);
    socket.resume();
    // Once read, all are answered, and the connection still works.
    socket.write(head('GET /healthz', ...CLOSE));
    const answer = await closed;
    expect(answer.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(MAX_WAITING_REQUESTS + 1);
    await untilNoSockets(patient);
  });

  test('beyond the limit close the connection and free its resources', async () => {
    const timeouts = { sendMs: NEVER_MS, keepAliveMs: NEVER_MS };
    await using patient = await startTestServer({ timeouts });
    const { socket } = openRaw(patient, head('GET /openapi.json').repeat(1_500));
    socket.pause();
    await until(
      () => Promise.resolve(socket.bytesWritten),
      (bytes) => bytes > 0,
    );
    await untilNoSockets(patient);
    expect(await isAlive(patient)).toBe(true);
    socket.destroy();
  });

  test('before invalid HTTP are not answered with its error', async () => {
    const answer = await openRaw(
      server,
      head('GET /openapi.json'),
      head('GET /openapi.json'),
      'hello\r\n\r\n',
    ).closed;
    expect(answer).not.toContain('urn:arcadia:problem:malformed-request');
    await untilNoSockets(server);
  });
});

describe('clients that keep their connections open', () => {
  const CLIENTS = 2;
  const OTHERS = { maxClients: CLIENTS };
  const TIMEOUTS = { ...QUICK, sendMs: 200, lingerMs: 200 };
  const LENGTH = 'Content-Length: 1000000';

  test.each([
    ['401', head('POST /api/v1/roll-ups', LENGTH)],
    ['404', head('POST /nowhere', LENGTH)],
    ['405', head('POST /docs', LENGTH)],
    ['200 of /healthz', head('GET /healthz', LENGTH)],
    ['200 of /healthz, with an unknown expectation', head('GET /healthz', LENGTH, 'Expect: tea')],
    ['400 of a missing host', `GET /healthz HTTP/1.1\r\n${LENGTH}\r\n\r\n`],
  ])('by trickling a body after a %s are disconnected', async (_what, bytes) => {
    await using small = await startTestServer({ config: OTHERS, timeouts: TIMEOUTS });
    const connections = Array.from({ length: CLIENTS }, () => openRaw(small, bytes));
    const trickle = setInterval(() => {
      for (const { socket } of connections) if (socket.writable) socket.write('x');
    }, 10);
    const answers = await Promise.all(connections.map(({ closed }) => closed));
    clearInterval(trickle);
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 \d/);
    await untilNoSockets(small);
    expect(await isAlive(small)).toBe(true);
  });

  test('by not reading answers are disconnected', async () => {
    await using small = await startTestServer({ config: OTHERS, timeouts: TIMEOUTS });
    const many = head('GET /openapi.json').repeat(MAX_WAITING_REQUESTS);
    const connections = Array.from({ length: CLIENTS }, () => openRaw(small, many));
    for (const { socket } of connections) socket.pause();
    await until(
      () => Promise.resolve(small.openSockets()),
      (count) => count === CLIENTS,
    );
    await untilNoSockets(small);
    expect(await isAlive(small)).toBe(true);
    for (const { socket } of connections) socket.destroy();
  });

  test('by sending the body late, but in time, stay connected', async () => {
    await using patient = await startTestServer({ timeouts: { ...QUICK, lingerMs: NEVER_MS } });
    const { socket, answer, closed } = openRaw(patient, head('POST /nowhere', 'Content-Length: 2'));
    await until(
      () => Promise.resolve(answer()),
      (text) => text.includes('not-found'),
    );
    socket.write(`xx${head('GET /healthz', ...CLOSE)}`);
    expect(await closed).toContain('200 OK');
  });
});

describe('strangers', () => {
  test('are limited by address, except for probes, pages and valid keys', async () => {
    await using strict = await startTestServer({ config: { strangerRequestsPerMinute: 3 } });
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${strict.api.url}${path}`, { headers });
    for (const path of ['/docs', '/openapi.json', '/nowhere']) {
      expect((await get(path)).status).not.toBe(429);
    }
    for (const path of ['/docs', '/openapi.json', '/nowhere']) {
      // A forged header changes nothing.
      const refused = await get(path, { 'X-Forwarded-For': '10.0.0.9', Authorization: 'Bearer x' });
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await refused.json()).toMatchObject({ type: 'urn:arcadia:problem:rate-limited' });
    }
    expect((await get('/healthz')).status).toBe(200);
    // There is no Temporal here.
    expect((await get('/readyz')).status).toBe(503);
    expect((await get('/sign-in')).status).toBe(200);
    const key = { Authorization: `Bearer ${strict.keys.operator}` };
    expect((await get('/api/v1/invoices', key)).status).toBe(200);
  });

  test('count by the forwarded address if a proxy is configured', async () => {
    await using proxied = await startTestServer({
      config: { strangerRequestsPerMinute: 1, trustedProxies: 1 },
    });
    const get = async (address: string) =>
      (await fetch(`${proxied.api.url}/docs`, { headers: { 'X-Forwarded-For': address } })).status;
    expect(await get('10.0.0.1')).toBe(200);
    expect(await get('10.0.0.1')).toBe(429);
    expect(await get('10.0.0.2')).toBe(200);
  });
});

describe('public documents', () => {
  /** The raw answer: `fetch` would decompress it. */
  async function get(path: string, headers: Record<string, string>) {
    const request = httpRequest(`${server.api.url}${path}`, { agent: false, headers });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
  }

  test.each(['/docs', '/openapi.json'])('%s is compressed and can be revalidated', async (path) => {
    const plain = await get(path, {});
    expect(plain.headers['content-encoding']).toBeUndefined();
    const packed = await get(path, { 'Accept-Encoding': 'gzip' });
    expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
    expect((await get(path, { 'Accept-Encoding': 'br' })).headers['content-encoding']).toBe('br');

    const { etag = '' } = packed.headers;
    const again = { 'Accept-Encoding': 'gzip', 'If-None-Match': etag };
    expect(await get(path, again)).toMatchObject({ status: 304, body: Buffer.alloc(0) });
    // Each encoding has its own tag.
    expect((await get(path, { 'If-None-Match': etag })).status).toBe(200);
  });
});
