import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, expect, test } from 'vitest';
import type { Schemas } from '../../src/client/index.ts';
import { postAll, EARLY_RETRY } from '../../src/client/gateway/post-all.ts';
import { createUsageClient } from '../../src/client/gateway/usage-client.ts';
import { llmEvent, meteredRecord } from '../api/_events.ts';

/** A stand-in for an API in trouble, which the real one can't be made to be at will. */
let server: Server | undefined;
afterEach(() => server?.close());

type Answer = (response: ServerResponse, body: { events: object[] }) => void;

/** A request as it came in. */
interface Seen {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

async function clientOf(answers: readonly Answer[], signingSecret?: string) {
  let calls = 0;
  const seen: Seen[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const answer = answers[Math.min(calls, answers.length - 1)];
      calls += 1;
      seen.push({ headers: request.headers, text });
      answer?.(response, JSON.parse(text) as { events: object[] });
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const apiUrl = `http://127.0.0.1:${port}`;
  const client = createUsageClient({ apiUrl, apiKey: 'key', signingSecret });
  return { client, calls: () => calls, seen };
}

const accept: Answer = (response, { events }) => {
  response.end(JSON.stringify({ results: events.map(() => ({ status: 'accepted' })) }));
};
const refuse =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, headers);
    response.end(JSON.stringify({ title: 'no', detail: `because of ${status}` }));
  };
const breakOff: Answer = (response) => response.destroy();

test('it tries again after 429, 503 and a broken connection', async () => {
  const { client, calls } = await clientOf([
    refuse(429, { 'Retry-After': '0' }),
    refuse(503, { 'Retry-After': '0' }),
    breakOff,
    accept,
  ]);
  expect(await client.postBatch('llm', [llmEvent()])).toEqual([{ status: 'accepted' }]);
  expect(calls()).toBe(4);
});

test('gives up at once if a retry can not help', async () => {
  const { client, calls } = await clientOf([refuse(401)]);
  await expect(client.postBatch('llm', [llmEvent()])).rejects.toThrow(
    'answered 401: because of 401',
  );
  expect(calls()).toBe(1);
});

test('it signs every attempt where it has a secret, under one id', async () => {
  const secret = `whsec_${Buffer.from('k'.repeat(32)).toString('base64')}`;
  const later = refuse(503, { 'Retry-After': '0' });
  const { client, seen } = await clientOf([later, accept], secret);
  const event = { ...llmEvent(), model: 'Grüße' };
  await client.postBatch('llm', [event]);
  for (const { headers, text } of seen) {
    const verified = new Webhook(secret).verify(text, headers as Record<string, string>);
    expect(verified).toEqual({ events: [event] });
  }
  const [first, second] = seen.map(({ headers }) => headers['webhook-id']);
  expect(first).toMatch(/^msg_/);
  expect(second).toBe(first);
});

test('it sends no signature without a secret', async () => {
  const { client, seen } = await clientOf([accept]);
  await client.postBatch('llm', [llmEvent()]);
  expect(Object.keys(seen[0]!.headers)).not.toContain('webhook-signature');
});

test('one event that is refused has its reason', async () => {
  const { client } = await clientOf([refuse(422)]);
  expect(await client.postOne('llm', llmEvent())).toEqual({
    status: 'rejected',
    reason: 'because of 422',
  });
});

test('corrections that came too early are posted again after everything else, until they are taken', async () => {
  const seen: string[][] = [];
  const stored = new Set<string>();
  const store: Answer = (response, body) => {
    const { records } = body as unknown as { records: Schemas['MeteredUsageRecord'][] };
    seen.push(records.map(({ record_id }) => record_id));
    const results = records.map(({ record_id, replaces }) => {
      if (replaces !== undefined && !stored.has(replaces)) return { status: 'retry_later' };
      stored.add(record_id);
      return { status: 'accepted' };
    });
    response.end(JSON.stringify({ results }));
  };
  const { client } = await clientOf([store]);
  const [third, second, orphan, first] = [
    meteredRecord({ record_id: '3', replaces: '2' }),
    meteredRecord({ record_id: '2', replaces: '1' }),
    meteredRecord({ record_id: 'x', replaces: 'y' }),
    meteredRecord({ record_id: '1' }),
  ];
  const results = await postAll(client, 'metered', [third, second, orphan, first], {
    batchSize: 1,
    concurrency: 1,
    earlyRetry: { ...EARLY_RETRY, attempts: 3, pause: () => Promise.resolve() },
  });
  expect(results.map(({ status }) => status)).toEqual([
    ...['accepted', 'accepted', 'retry_later', 'accepted'],
  ]);
  expect(seen.flat().join('')).toBe('32x1' + '32x' + '3x' + 'xx');
});

test('one correction that stays too early is told as such', async () => {
  const { client, calls } = await clientOf([refuse(425, { 'Retry-After': '0' })]);
  expect(await client.postOne('metered', meteredRecord({ replaces: 'y' }))).toEqual({
    status: 'retry_later',
    reason: 'because of 425',
  });
  expect(calls()).toBe(10);
});

test('results come in the order of the events, whatever the batches do', async () => {
  const slowly: Answer = (response, { events }) => {
    const results = events.map((event) => ({ status: 'accepted', reason: JSON.stringify(event) }));
    setTimeout(() => response.end(JSON.stringify({ results })), Math.random() * 20);
  };
  const { client } = await clientOf([slowly]);
  const events = Array.from({ length: 95 }, () => llmEvent());
  const results = await postAll(client, 'llm', events, { batchSize: 10, concurrency: 4 });
  expect(results.map(({ reason }) => reason)).toEqual(events.map((event) => JSON.stringify(event)));
});
