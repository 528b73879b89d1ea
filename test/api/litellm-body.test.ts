import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_LITELLM_BYTES } from '../../src/api/routes/litellm-route.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { insertSigningSecret } from '../../src/db/access/signing-secrets.ts';
import { lockTable, untilLockIsWaitedFor } from '../_util/locks.ts';
import { until } from '../_util/until.ts';
import { countEvents, expectBucketsToAddUp } from '../ingestion/_ledger.ts';
import { countsOf, NONE, PATH, post, sent, startLitellmServer } from './_litellm.ts';
import type { TestServer } from './_server.ts';
import { head, openRaw } from './_sockets.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startLitellmServer();
});
afterAll(async () => {
  await expectBucketsToAddUp(server.db);
  await server[Symbol.asyncDispose]();
});

test.each(['', '[]', ' \n', '\ufeff[]'])(
  'a body without events (%j) is answered with zeros',
  async (body) => {
    expect(await countsOf(server, body)).toEqual(NONE);
  },
);

describe('a body', () => {
  test('of 64 MiB is read, and one byte more is refused after its events are stored', async () => {
    const event = JSON.stringify(sent());
    const filler = `{"response_cost":0,"status":"failure","messages":"${'x'.repeat(1024 * 1024)}"}\n`;
    const whole = `${event}\n${filler.repeat(63)}`;
    const room = MAX_LITELLM_BYTES - whole.length;
    const body = Buffer.from(whole + ' '.repeat(room));
    expect(body).toHaveLength(64 * 1024 * 1024);
    const counted = { ...NONE.counted, failures: 63 };
    expect(await countsOf(server, body)).toEqual({ ...NONE, accepted: 1, counted });
    const other = Buffer.from(JSON.stringify(sent()));
    const before = await countEvents(server.db);
    const larger = Buffer.concat([other, Buffer.from('\n'), body]);
    expect(await post(server, larger)).toMatchObject({
      status: 413,
      type: 'urn:arcadia:problem:too-large',
      detail: expect.stringContaining(
        'the body is larger than 64 MiB; events that arrived whole were stored',
      ),
    });
    expect(await countEvents(server.db)).toBe(before + 1);
    expect(await countsOf(server, other)).toEqual({ ...NONE, duplicates: 1 });
  });

  test('that is a gzip bomb is refused', async () => {
    const headers = { 'Content-Encoding': 'gzip' };
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, ' '));
    expect(await post(server, bomb, { headers })).toMatchObject({ status: 413 });
    expect(await post(server, 'no gzip', { headers })).toMatchObject({ status: 400 });
    const brotli = { 'Content-Encoding': 'br' };
    expect(await post(server, 'x', { headers: brotli })).toMatchObject({ status: 415 });
  });

  test('with more events than its size allows is refused', async () => {
    expect(await post(server, `[${'{},'.repeat(40_000)}{}]`)).toMatchObject({ status: 413 });
  });

  test('nested a million levels deep is read', async () => {
    const deep = `{"response_cost":0,"status":"failure","x":${'['.repeat(1e6)}${']'.repeat(1e6)}}`;
    expect(await countsOf(server, `[${deep}]`)).toMatchObject({ counted: { failures: 1 } });
  });

  test('of a client that stops sending ends with 408, after its events are stored', async () => {
    await using impatient = await startLitellmServer({ timeouts: { idleMs: 200 } });
    const connection = openRaw(
      impatient,
      head(
        `POST ${PATH}`,
        `Authorization: Bearer ${impatient.keys.gateway}`,
        'Content-Type: application/json',
        'Content-Length: 1000000',
      ),
      `[${JSON.stringify(sent())},`,
    );
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 408 /);
    expect(await countEvents(impatient.db)).toBe(1);
  });
});

test('without a database the answer is 503, so that LiteLLM retries', async () => {
  await using cut = await startLitellmServer();
  const body = JSON.stringify(sent());
  expect(await countsOf(cut, body)).toEqual({ ...NONE, accepted: 1 });
  await cut.cutDatabase();
  expect(await post(cut, body)).toMatchObject({ status: 503 });
});

test('with a full queue a request waits', async () => {
  const ingestionLimits = { maxQueuedItems: 4, maxConcurrent: 1, maxGroupItems: 4 };
  await using narrow = await startLitellmServer({ ingestionLimits });
  await using lock = await lockTable(narrow.superuserUrl, 'llm_usage_events');
  const batch = () => [1, 2, 3].map(() => JSON.stringify(sent())).join('\n');
  const answers = [batch(), batch(), batch()].map((body) => countsOf(narrow, body));
  await untilLockIsWaitedFor(narrow.superuserUrl);
  await lock.release();
  for (const answer of answers) expect(await answer).toEqual({ ...NONE, accepted: 3 });
});

test('with too little memory for another body, a request waits', async () => {
  const maxBodyBytesInFlight = 8 * 1024 * 1024;
  await using small = await startLitellmServer({ config: { maxBodyBytesInFlight } });
  const open = () =>
    openRaw(
      small,
      head(
        `POST ${PATH}`,
        `Authorization: Bearer ${small.keys.gateway}`,
        'Content-Type: application/json',
        'Content-Length: 100',
      ),
      '[',
    );
  const stream = async () => {
    const { status } = await fetch(`${small.api.url}/api/v1/integrations/llm-usage`, {
      ...{ method: 'POST', body: '{}' },
      headers: {
        Authorization: `Bearer ${small.keys.gateway}`,
        'Content-Type': 'application/x-ndjson',
      },
    });
    return status;
  };
  const [first, second] = [open(), open()] as const;
  await until(stream, (status) => status === 503);
  const done: string[] = [];
  const third = countsOf(small, JSON.stringify(sent())).finally(() => done.push('third'));
  await until(
    () => Promise.resolve(small.openResponses()),
    (count) => count === 3,
  );
  expect(await stream()).toBe(503);
  expect(done).toEqual([]);
  first.socket.destroy();
  expect(await third).toEqual({ ...NONE, accepted: 1 });
  second.socket.destroy();
});

test('a key that must sign its requests is refused', async () => {
  const { plainKey, keyId } = await createKey(server.db, { label: 'signs', scope: 'gateway' });
  await insertSigningSecret(server.db, keyId);
  expect(await post(server, '[]', { key: plainKey })).toMatchObject({ status: 403 });
});
