import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { NDJSON } from '../../src/api/http/ndjson.ts';
import { sql } from '../../src/db/sql.ts';
import { countEvents, expectBucketsToAddUp } from '../ingestion/_ledger.ts';
import { lockTable, untilLockIsWaitedFor } from '../_util/locks.ts';
import { until } from '../_util/until.ts';
import { llmEvent, meteredRecord } from './_harness.ts';
import { startTestServer, type TestServer } from './_server.ts';
import {
  LLM,
  ndjson,
  openStream,
  rest,
  sendStream,
  summary,
  type OpenOptions,
} from './_streams.ts';

const METERED = '/api/v1/integrations/metered-usage';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await expectBucketsToAddUp(server.db);
  await server[Symbol.asyncDispose]();
});

const open = (options: OpenOptions = {}) => openStream(server, options);
const send = (body: string | Buffer, options: OpenOptions = {}) =>
  sendStream(server, body, options);

test('answers lines in order, like a batch', async () => {
  const event = llmEvent();
  const id = event.gateway_request_id;
  const answers = await send(
    ndjson([event, event, { ...event, charge_cents: '2' }, llmEvent({ tenant_id: 'zeta' })]),
  );
  expect(answers).toEqual([
    { line: 1, gateway_request_id: id, status: 'accepted' },
    { line: 2, gateway_request_id: id, status: 'duplicate' },
    { line: 3, gateway_request_id: id, status: 'conflict', reason: expect.any(String) as string },
    expect.objectContaining({ line: 4, status: 'rejected' }),
    summary({ accepted: 1, duplicate: 1, conflict: 1, rejected: 1, lines: 4 }),
  ]);
});

test('accepts metered records, including corrections within the stream', async () => {
  const record = meteredRecord();
  const correction = meteredRecord({ qty: '3', replaces: record.record_id });
  const key = server.keys.metering;
  expect(await send(ndjson([record, correction]), { path: METERED, key })).toEqual([
    { line: 1, record_id: record.record_id, status: 'accepted' },
    { line: 2, record_id: correction.record_id, status: 'accepted' },
    summary({ accepted: 2, lines: 2 }),
  ]);
});

test('skips a byte order mark only at the beginning', async () => {
  const line = () => JSON.stringify(llmEvent());
  const answers = await send(`\ufeff${line()}\n\ufeff${line()}\n`);
  expect(answers).toEqual([
    expect.objectContaining({ line: 1, status: 'accepted' }),
    expect.objectContaining({ line: 2, reason: 'the line is not JSON' }),
    summary({ accepted: 1, rejected: 1, lines: 2 }),
  ]);
  expect(await send('\ufeff\n')).toEqual([summary({ lines: 1 })]);
});

describe('corrections before their records', () => {
  const key = () => server.keys.metering;
  const fillers = (count: number) => Array.from({ length: count }, () => meteredRecord());
  const linesOf = (answers: readonly unknown[]) =>
    answers.map((answer) => (answer as { line?: number }).line);
  const qtyOf = (kind: string) =>
    server.db.anyFirst(sql.type(z.object({ total: z.string() }))`
      SELECT trim_scale(total) AS total FROM usage_buckets WHERE resource_kind = ${kind}`);

  test('are answered after them, at any distance and in chains', async () => {
    const kind = 'far';
    const record = meteredRecord({ resource_kind: kind, qty: '10' });
    const second = meteredRecord({ resource_kind: kind, qty: '4', replaces: record.record_id });
    const third = meteredRecord({ resource_kind: kind, qty: '7', replaces: second.record_id });
    const sent = [third, second, ...fillers(1_500), record, ...fillers(600)];
    const answers = await send(ndjson(sent), { path: METERED, key: key() });
    expect(answers.at(-1)).toEqual(summary({ accepted: sent.length, lines: sent.length }));
    const lines = linesOf(answers.slice(0, -1));
    expect(lines.toSorted((a, b) => a! - b!)).toEqual([...sent.keys()].map((index) => index + 1));
    // The record's group comes first, then the chain in order, then later lines.
    expect(lines.indexOf(2)).toBeGreaterThan(lines.indexOf(1_503));
    expect(lines.indexOf(1)).toBe(lines.indexOf(2) + 1);
    expect(await qtyOf(kind)).toEqual(['7']);
  });

  test('are all accepted in a reversed stream', async () => {
    const kind = 'upside-down';
    const chain = [meteredRecord({ resource_kind: kind, qty: '1' })];
    for (let n = 2; n <= 1_100; n += 1) {
      const replaces = chain.at(-1)!.record_id;
      chain.push(meteredRecord({ resource_kind: kind, qty: String(n), replaces }));
    }
    const answers = await send(ndjson(chain.toReversed()), { path: METERED, key: key() });
    expect(answers.at(-1)).toEqual(summary({ accepted: 1_100, lines: 1_100 }));
    expect(await qtyOf(kind)).toEqual(['1100']);
  });

  test('are answered at the end if the record never comes, or comes from another sender', async () => {
    const kind = 'elsewhere';
    const record = meteredRecord({ resource_kind: kind, qty: '10' });
    const found = meteredRecord({ resource_kind: kind, qty: '3', replaces: record.record_id });
    const orphan = meteredRecord({ replaces: 'never-came' });
    const stream = await open({ path: METERED, key: key() });
    stream.request.write(ndjson([orphan, found, ...fillers(1)]));
    expect(await stream.next()).toMatchObject({ line: 3, status: 'accepted' });
    await send(ndjson([record]), { path: METERED, key: key() });
    stream.request.end();
    expect(await rest(stream)).toEqual([
      { line: 2, record_id: found.record_id, status: 'accepted' },
      expect.objectContaining({ line: 1, status: 'retry_later' }),
      summary({ accepted: 2, retry_later: 1, lines: 3 }),
    ]);
    expect(await qtyOf(kind)).toEqual(['3']);
  });

  test('are answered before a problem that ends the stream', async () => {
    const orphan = meteredRecord({ replaces: 'never-came' });
    const body = `${ndjson([orphan, meteredRecord()])}${'x'.repeat(3 * 1024 * 1024)}`;
    expect(await send(body, { path: METERED, key: key() })).toEqual([
      expect.objectContaining({ line: 2, status: 'accepted' }),
      expect.objectContaining({ line: 1, status: 'retry_later' }),
      { problem: expect.objectContaining({ after_line: 2 }) as object },
    ]);
  });
});

test('answers a line while the stream continues', async () => {
  const stream = await open();
  expect(stream.response.headers['content-type']).toBe(NDJSON);
  stream.request.write(ndjson([llmEvent()]));
  expect(await stream.next()).toMatchObject({ line: 1, status: 'accepted' });
  stream.request.write(JSON.stringify(llmEvent()).slice(0, 20));
  stream.request.write('}\n');
  expect(await stream.next()).toMatchObject({ line: 2, status: 'rejected' });
  stream.request.end();
  expect(await rest(stream)).toEqual([summary({ accepted: 1, rejected: 1, lines: 2 })]);
});

test('rejects unreadable lines individually and skips blank lines', async () => {
  const good = JSON.stringify(llmEvent());
  const bytes = Buffer.concat([
    Buffer.from(`{not json\n\n \t\r\n"text"\n{"a":1,"a":2}\n${'['.repeat(40)}\n`),
    Buffer.from([0x22, 0xff, 0x22, 0x0a]),
    Buffer.from(`"${'x'.repeat(70_000)}"\n${good}\r\n${JSON.stringify(llmEvent())}`),
  ]);
  const answers = (await send(bytes)) as { line?: number; reason?: string }[];
  expect(answers.map(({ line, reason }) => [line, reason])).toEqual([
    [1, 'the line is not JSON'],
    [4, expect.any(String)],
    [5, '/a: this name appears twice in its object'],
    [6, expect.stringContaining('nested deeper than 32 levels')],
    [7, 'the line is not UTF-8; it looks like Latin-1: save it as UTF-8'],
    [8, 'the line is longer than 64 KiB'],
    [9, undefined],
    [10, undefined],
    [undefined, undefined],
  ]);
  expect(answers.at(-1)).toEqual(summary({ accepted: 2, rejected: 6, lines: 10 }));
});

test('accepts many compressed lines with distant duplicates', async () => {
  const events = Array.from({ length: 2_000 }, () => llmEvent());
  const body = gzipSync(ndjson([...events, ...events]));
  const answers = await send(body, { headers: { 'Content-Encoding': 'gzip' } });
  expect(answers.at(-1)).toEqual(summary({ accepted: 2_000, duplicate: 2_000, lines: 4_000 }));
  expect(answers.slice(0, -1).map((answer) => (answer as { line: number }).line)).toEqual(
    Array.from({ length: 4_000 }, (_, index) => index + 1),
  );
});

describe('the last line reports what ended a stream:', () => {
  const problem = (name: string, afterLine: number) => ({
    problem: expect.objectContaining({
      type: `urn:arcadia:problem:${name}`,
      after_line: afterLine,
    }) as object,
  });

  test('a body that is not gzip', async () => {
    const answers = await send('nope', { headers: { 'Content-Encoding': 'gzip' } });
    expect(answers).toEqual([problem('malformed-request', 0)]);
  });

  test('a line that is too long, after the answers to earlier lines', async () => {
    const answers = await send(`${ndjson([llmEvent()])}${'x'.repeat(3 * 1024 * 1024)}`);
    expect(answers).toEqual([expect.objectContaining({ line: 1 }), problem('too-large', 1)]);
  });

  test('a body out of proportion, which frees everything it held', async () => {
    await using small = await startTestServer({ config: { maxBodyBytesInFlight: 1 } });
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, '\n'));
    const headers = { 'Content-Encoding': 'gzip' };
    const broken = expect.objectContaining({ type: 'urn:arcadia:problem:too-large' }) as object;
    expect(await send(bomb, { on: small, headers })).toEqual([{ problem: broken }]);
    await until(
      () => Promise.resolve(small.openSockets()),
      (count) => count === 0,
    );
    const answers = await send(ndjson([llmEvent()]), { on: small });
    expect(answers.at(-1)).toEqual(summary({ accepted: 1, lines: 1 }));
  });

  test('a pause', async () => {
    await using hasty = await startTestServer({ timeouts: { idleMs: 200 } });
    const stream = await open({ on: hasty });
    stream.request.write(ndjson([llmEvent()]));
    expect(await rest(stream)).toEqual([
      expect.objectContaining({ line: 1, status: 'accepted' }),
      problem('request-timeout', 1),
    ]);
  });

  test('the shutdown of the server', async () => {
    await using closing = await startTestServer();
    const stream = await open({ on: closing });
    stream.request.write(ndjson([llmEvent()]));
    expect(await stream.next()).toMatchObject({ line: 1, status: 'accepted' });
    const closed = closing.api.close();
    expect(await rest(stream)).toEqual([problem('overloaded', 1)]);
    await closed;
    expect(await countEvents(closing.db)).toBe(1);
  });

  test('an unreachable database', async () => {
    await using broken = await startTestServer();
    const stream = await open({ on: broken });
    stream.request.write(ndjson([llmEvent()]));
    expect(await stream.next()).toMatchObject({ line: 1, status: 'accepted' });
    await broken.cutDatabase();
    stream.request.write(ndjson([llmEvent()]));
    expect(await rest(stream)).toEqual([problem('database-unavailable', 1)]);
  });
});

test('a disconnected client stops the work', async () => {
  await using lonely = await startTestServer();
  // Every commit waits.
  await using lock = await lockTable(lonely.superuserUrl, 'usage_buckets');
  const stream = await open({ on: lonely });
  const events = Array.from({ length: 20_000 }, () => llmEvent());
  stream.request.write(ndjson(events));
  await untilLockIsWaitedFor(lonely.superuserUrl);
  stream.request.destroy();
  await lock.release();
  await until(
    () => Promise.resolve(lonely.openResponses()),
    (count) => count === 0,
  );
  await lonely.api.close();
  expect(await countEvents(lonely.db)).toBeLessThan(events.length);
});

test('a client that does not read is paused, then disconnected', async () => {
  await using hasty = await startTestServer({ timeouts: { idleMs: 300 } });
  const stream = await open({ on: hasty });
  stream.response.pause();
  const bad = '{"gateway_request_id":"x"}\n'.repeat(2_000);
  let sent = 0;
  const isCut = new Promise<boolean>((resolve) => {
    stream.request.once('close', () => {
      resolve(true);
    });
  });
  // Until both buffers are full: the answers are many times longer.
  while (!stream.request.destroyed && sent < 2_000) {
    sent += 1;
    if (stream.request.write(bad)) continue;
    await Promise.race([once(stream.request, 'drain').catch(() => null), isCut]);
  }
  expect(await isCut).toBe(true);
  expect(sent).toBeLessThan(2_000);
});

test('the stream waits while the queue is full, and everything is accepted', async () => {
  await using narrow = await startTestServer({
    ingestionLimits: { maxQueuedItems: 10, maxConcurrent: 1 },
  });
  const streams = await Promise.all(Array.from({ length: 4 }, () => open({ on: narrow })));
  const events = () => ndjson(Array.from({ length: 600 }, () => llmEvent()));
  for (const { request } of streams) request.end(events());
  const answers = await Promise.all(streams.map(rest));
  for (const lines of answers) expect(lines.at(-1)).toEqual(summary({ accepted: 600, lines: 600 }));
  expect(await countEvents(narrow.db)).toBe(2_400);
});

describe('before the stream begins', () => {
  test.each([
    ['no key', { Authorization: 'Bearer none' }, 401, ''],
    ['another encoding', { 'Content-Encoding': 'br' }, 415, ''],
    ['a backfill with the wrong key', {}, 403, '?backfill_reason=why'],
  ])('%s gets an error status', async (_what, headers, status, query) => {
    const { response } = await open({ path: `${LLM}${query}`, headers });
    expect(response.statusCode).toBe(status);
    response.destroy();
  });

  test('other routes reject streams', async () => {
    const { response } = await open({ path: '/api/v1/quote', key: server.keys.operator });
    expect(response.statusCode).toBe(415);
    response.destroy();
  });
});
