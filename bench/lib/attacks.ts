import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Keys } from './api-keys.ts';
import type { ApiProcess } from './api-process.ts';
import { sizeOf, type BenchContext } from './bench.ts';
import type { BenchDatabase } from './servers.ts';

/** The size that the API's body budget counts for a stream. */
export const STREAM_BYTES = 512 * 1024;

const LLM = '/api/v1/integrations/llm-usage';
const METERED = '/api/v1/integrations/metered-usage';
const STREAM = { 'Content-Type': 'application/x-ndjson', 'Transfer-Encoding': 'chunked' };

/** The target of an attack. */
export interface Scene {
  readonly api: ApiProcess;
  readonly database: BenchDatabase;
  readonly context: BenchContext;
  readonly keys: Keys;
  /** Connections that attackers hold until everything has been measured. */
  readonly stack: AsyncDisposableStack;
}

export interface Attack {
  readonly name: string;
  /** Additional API settings for this attack. */
  readonly env?: (context: BenchContext) => Record<string, string>;
  /** Runs until the attack is complete. @returns its numbers, in words */
  run(scene: Scene): Promise<string>;
}

export const ATTACKS: readonly Attack[] = [
  {
    name: 'leaving while the key is looked up',
    async run({ api, context, keys, database }) {
      const count = sizeOf(context, 'streams');
      // A busy database also keeps them waiting.
      await database.asSuperuser(async (client) => {
        await client.query('BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE');
        const head = headOf('POST', LLM, { Authorization: `Bearer ${keys.gateway}`, ...STREAM });
        const sockets = Array.from({ length: count }, () => send(api, head));
        await sleep(1_000);
        for (const socket of sockets) socket.destroy();
        await sleep(1_000);
        await client.query('COMMIT');
      });
      await sleep(1_000);
      return `${count} clients`;
    },
  },
  {
    name: 'pipelining unread',
    async run({ api, context, stack }) {
      const count = sizeOf(context, 'pipelined');
      const bytes = headOf('GET', '/openapi.json').repeat(count);
      const socket = send(api, bytes).pause();
      stack.defer(() => void socket.destroy());
      await sleep(context.isSmoke ? 500 : 15_000);
      return `${count} requests for /openapi.json, ${bytes.length} bytes`;
    },
  },
  {
    name: 'slow clients',
    env: (context) => ({ API_MAX_CLIENTS: String(sizeOf(context, 'clients')) }),
    async run({ api, context, stack }) {
      const count = sizeOf(context, 'clients');
      const sockets = Array.from({ length: count }, (_, index) => {
        const [method, path] = SLOW[index % SLOW.length] ?? READS_NOTHING;
        if (path === READS_NOTHING[1]) return send(api, headOf(method, path).repeat(8)).pause();
        return send(api, headOf(method, path, { 'Content-Length': '1000000' }));
      });
      const trickle = setInterval(() => {
        for (const socket of sockets) {
          // A client that reads nothing also stops sending.
          if (!socket.isPaused() && socket.writable) socket.write('x');
        }
      }, 100);
      stack.defer(() => {
        clearInterval(trickle);
        for (const socket of sockets) socket.destroy();
      });
      await sleep((sizeOf(context, 'timeoutSeconds') + 5) * 1000);
      return `${count} clients, of ${count} that may connect`;
    },
  },
  {
    name: 'blank lines, compressed',
    async run({ api, context, keys }) {
      const lines = sizeOf(context, 'blankLines');
      const body = gzipSync(Buffer.alloc(lines, '\n'), { level: 9 });
      const stream = openStream(api, LLM, keys.gateway, { 'Content-Encoding': 'gzip' });
      stream.end(body);
      const answered = once(stream, 'response').then(([response]) =>
        once((response as IncomingMessage).resume(), 'end'),
      );
      await Promise.race([answered, sleep(context.isSmoke ? 1_000 : 5_000)]);
      stream.destroy();
      return `${lines} lines in ${body.length} bytes`;
    },
  },
  {
    name: 'lines to reject, compressed',
    async run({ api, keys }) {
      const body = gzipSync('{}\n'.repeat(200_000), { level: 9 });
      const stream = openStream(api, LLM, keys.gateway, { 'Content-Encoding': 'gzip' });
      stream.end(body);
      const [response] = (await once(stream, 'response')) as [IncomingMessage];
      let bytes = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
      stream.destroy();
      return `${body.length} bytes, answered with ${bytes}`;
    },
  },
];

const READS_NOTHING = ['GET', '/openapi.json'] as const;
/** Requests answered before their bodies are complete, and requests whose answers are never read. */
const SLOW = [
  READS_NOTHING,
  ['POST', '/api/v1/roll-ups'],
  ['POST', '/nowhere'],
  ['GET', '/healthz'],
] as const;

/** Counts how many concurrent streams are accepted. */
export async function countStreams({ api, context, keys }: Scene): Promise<number> {
  const count = sizeOf(context, 'streams');
  const streams: ClientRequest[] = [];
  let taken = 0;
  // One after another, each waiting for its answer: the first one looks up the key.
  for (let index = 0; index < count; index += 1) {
    const stream = openStream(api, METERED, keys.metering);
    streams.push(stream);
    const answer = await Promise.race([
      once(stream, 'response') as Promise<[IncomingMessage]>,
      once(stream, 'close').then(() => null),
    ]).catch(() => null);
    if (answer?.[0].statusCode === 200) taken += 1;
  }
  for (const stream of streams) stream.destroy();
  await sleep(500);
  return taken;
}

function openStream(
  { url }: ApiProcess,
  path: string,
  key: string,
  headers: Record<string, string> = {},
): ClientRequest {
  const request = httpRequest(`${url}${path}`, {
    method: 'POST',
    agent: false,
    headers: { Authorization: `Bearer ${key}`, ...STREAM, ...headers },
  });
  request.on('error', () => undefined);
  request.flushHeaders();
  return request;
}

/** Connects and sends raw bytes. Discards the response. */
function send({ url }: ApiProcess, bytes: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(bytes);
  return socket;
}

function headOf(method: string, path: string, headers: Record<string, string> = {}): string {
  const fields = Object.entries({ Host: 'x', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return [`${method} ${path} HTTP/1.1`, ...fields, '', ''].join('\r\n');
}
