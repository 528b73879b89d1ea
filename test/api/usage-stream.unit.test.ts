import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { HttpProblem } from '../../src/api/http/problems.ts';
import { readLines } from '../../src/api/http/ndjson.ts';
import { readChunks } from '../../src/api/http/read-chunks.ts';
import { answerUsageStream } from '../../src/api/routes/usage-stream.ts';
import { createStreamBounds } from '../../src/api/http/stream-bounds.ts';
import { rejected } from '../../src/ingestion/results.ts';

const KIB = 1024;

/** A line that is readable but rejected. */
const BAD_LINE = Buffer.from(`{"model":"${'x'.repeat(100)}"}\n`);

function options(bounds = createStreamBounds()) {
  return {
    idField: 'gateway_request_id',
    bounds,
    requestId: 'test',
    ingest: (events: readonly unknown[]) =>
      Promise.resolve(events.map(() => rejected('it is a test'))),
    onUnreadable: () => undefined,
    earlyRoom: { left: 0 },
    toProblem: (error: unknown) => {
      if (error instanceof HttpProblem) return error;
      throw error;
    },
  };
}

/** A completely received request. */
function requestOf(body: Buffer, encoding: string): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.headers = { 'content-encoding': encoding };
  request.push(body);
  request.push(null);
  return request;
}

function chunksOf(body: Buffer, encoding: string, bounds = createStreamBounds()) {
  const signal = new AbortController().signal;
  return readChunks(requestOf(body, encoding), {
    idleMs: 60_000,
    stopping: signal,
    gone: signal,
    bounds,
  });
}

async function answerTo(body: Buffer, encoding = 'identity'): Promise<readonly object[]> {
  const bounds = createStreamBounds();
  const chunks = chunksOf(body, encoding, bounds);
  let text = '';
  for await (const part of answerUsageStream(chunks, options(bounds))) text += part;
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
}

const tooLarge = (detail: string) => ({
  problem: expect.objectContaining({
    type: 'urn:arcadia:problem:too-large',
    detail: expect.stringContaining(detail) as string,
  }) as object,
});

test('ends a stream that decompresses to more than 1 MiB and 100 times its size', async () => {
  // As many blank lines as their bytes allow.
  const blank = Buffer.from(`${' '.repeat(999)}\n`);
  const packed = gzipSync(Buffer.concat(Array<Buffer>(20_000).fill(blank)));
  expect(packed.length).toBeLessThan(100 * KIB);
  expect(await answerTo(packed, 'gzip')).toEqual([tooLarge('can decompress to')]);
});

test('ends a stream of blank lines', async () => {
  const blank = Buffer.alloc(1000 * KIB, '\n');
  expect(await answerTo(blank)).toEqual([tooLarge('including blank lines')]);
  expect(await answerTo(gzipSync(blank), 'gzip')).toEqual([tooLarge('including blank lines')]);
});

test('ends a stream whose answer is out of proportion, after the answers so far', async () => {
  // 1 MiB decompressed, and each answer is longer than its line.
  const bad = Buffer.from(`{}${' '.repeat(30)}\n`);
  const packed = gzipSync(Buffer.concat(Array<Buffer>(31_000).fill(bad)));
  const answers = await answerTo(packed, 'gzip');
  const answered = answers.length - 1;
  expect(answered).toBeLessThan(31_000);
  expect(answers.at(-1)).toEqual(tooLarge('the response to a stream'));
  expect(answers.at(-1)).toMatchObject({ problem: { after_line: answered } });
  const bytes = answers.slice(0, -1).reduce((sum, line) => sum + JSON.stringify(line).length, 0);
  expect(bytes).toBeLessThan(2 * 1024 * KIB + 100 * packed.length);
});

test('does not end a long stream of ordinary lines, however well it compresses', async () => {
  const lines = Array.from({ length: 40_000 }, (_, index) =>
    JSON.stringify({
      record_id: `meter-7-2026-05-${index}`,
      tenant_id: 'acme',
      deployment_id: 'acme-a',
      resource_kind: 'droplet_hours',
      qty: '1',
      occurred_at: '2026-05-10T12:00:00Z',
    }),
  );
  const answers = await answerTo(gzipSync(lines.join('\n'), { level: 9 }), 'gzip');
  expect(answers.at(-1)).toMatchObject({ summary: { rejected: 40_000, lines: 40_000 } });
});

test('stops reading when the client disconnects', async () => {
  const gone = new AbortController();
  const chunks = readChunks(requestOf(gzipSync(Buffer.alloc(900 * KIB, ' ')), 'gzip'), {
    idleMs: 60_000,
    stopping: new AbortController().signal,
    gone: gone.signal,
    bounds: createStreamBounds(),
  });
  expect((await chunks.next()).done).toBe(false);
  gone.abort(new HttpProblem('malformed-request', 'gone'));
  await expect(chunks.next()).rejects.toThrow('gone');
  expect((await chunks.next()).done).toBe(true);
});

test('yields to other requests between groups of lines that need no database', async () => {
  const GROUPS = 4;
  // eslint-disable-next-line @typescript-eslint/require-await -- it is all there at once
  async function* oneChunk() {
    yield Buffer.concat(Array<Buffer>(GROUPS * 500).fill(BAD_LINE));
  }
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  for await (const part of answerUsageStream(oneChunk(), options())) expect(part).not.toBe('');
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(GROUPS - 1);
});

test('frees the memory of a chunk when the next one is asked for', async () => {
  const body = Buffer.alloc(64 * KIB, 'x');
  const read: number[] = [];
  for await (const chunk of chunksOf(body, 'identity')) read.push(chunk.length);
  expect(read).toEqual([64 * KIB]);
  expect(body).toHaveLength(0);
});

test('does not free memory that a chunk shares', async () => {
  const whole = Buffer.alloc(64 * KIB, 'x');
  for await (const chunk of chunksOf(whole.subarray(0, 32 * KIB), 'identity')) {
    expect(chunk).toHaveLength(32 * KIB);
  }
  expect(whole).toHaveLength(64 * KIB);
});

test('a line that spans chunks outlives them', async () => {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (const text of ['{"a', '":1}\n{"b', '":2}', '\n']) {
      const chunk = await Promise.resolve(Buffer.from(text));
      yield chunk;
      chunk.fill('x');
    }
  }
  const lines: unknown[] = [];
  for await (const group of readLines(chunks(), 10)) {
    lines.push(...group.map(({ bytes }) => bytes?.toString()));
  }
  expect(lines).toEqual(['{"a":1}', '{"b":2}']);
});
