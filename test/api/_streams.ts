import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { NDJSON } from '../../src/api/http/ndjson.ts';
import type { TestServer } from './_server.ts';

export const LLM = '/api/v1/integrations/llm-usage';

/** A request whose body and answer are streamed concurrently. */
export interface Stream {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
  /** The next line of the answer; null at its end. */
  next(): Promise<unknown>;
}

export interface OpenOptions {
  readonly path?: string;
  readonly key?: string;
  readonly headers?: Record<string, string>;
  /** Instead of the test's usual server. */
  readonly on?: TestServer;
}

export async function openStream(
  server: TestServer,
  { path = LLM, key, headers = {}, on = server }: OpenOptions = {},
): Promise<Stream> {
  const request = httpRequest(`${on.api.url}${path}`, {
    method: 'POST',
    agent: false,
    headers: {
      Authorization: `Bearer ${key ?? on.keys.gateway}`,
      'Content-Type': NDJSON,
      ...headers,
    },
  });
  request.on('error', () => undefined);
  request.flushHeaders();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  const lines = createInterface({ input: response })[Symbol.asyncIterator]();
  return {
    request,
    response,
    async next() {
      const { done, value } = await lines.next();
      return done === true ? null : (JSON.parse(value) as unknown);
    },
  };
}

/** The whole answer to a body. */
export async function sendStream(
  server: TestServer,
  body: string | Buffer,
  options: OpenOptions = {},
): Promise<unknown[]> {
  const stream = await openStream(server, options);
  stream.request.end(body);
  return rest(stream);
}

/** The rest of an answer. */
export async function rest(stream: Stream): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let line; (line = await stream.next()) !== null;) answers.push(line);
  return answers;
}

export const ndjson = (events: readonly object[]) =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');

export const summary = (counts: object) => ({
  summary: { accepted: 0, duplicate: 0, conflict: 0, retry_later: 0, rejected: 0, ...counts },
});
