import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { postAll } from '../../src/gateway/post-all.ts';
import { createUsageClient } from '../../src/gateway/usage-client.ts';
import { llmEvent } from '../api/_events.ts';

/** A stand-in for an API in trouble, which the real one can't be made to be at will. */
let server: Server | undefined;
afterEach(() => server?.close());

type Answer = (response: ServerResponse, body: { events: object[] }) => void;

async function clientOf(answers: readonly Answer[]) {
  let calls = 0;
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const answer = answers[Math.min(calls, answers.length - 1)];
      calls += 1;
      answer?.(response, JSON.parse(text) as { events: object[] });
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createUsageClient({ apiUrl: `http://127.0.0.1:${port}`, apiKey: 'key' });
  return { client, calls: () => calls };
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

test('it gives up at once where trying again is of no use', async () => {
  const { client, calls } = await clientOf([refuse(401)]);
  await expect(client.postBatch('llm', [llmEvent()])).rejects.toThrow(
    'answered 401: because of 401',
  );
  expect(calls()).toBe(1);
});

test('one event that is refused has its reason', async () => {
  const { client } = await clientOf([refuse(422)]);
  expect(await client.postOne('llm', llmEvent())).toEqual({
    status: 'rejected',
    reason: 'because of 422',
  });
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
