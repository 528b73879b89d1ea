import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import autocannon from 'autocannon';

export interface LoadOptions {
  readonly url: string;
  /** Of the API key. */
  readonly key: string;
  readonly connections: number;
}

/** The result of a load. */
export interface LoadResult {
  /** Time from the first request to the last answer. */
  readonly seconds: number;
  /** Number of answered requests. */
  readonly requests: number;
  /** Response times of all answers. */
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number };
}

/**
 * Posts JSON bodies, each once. Each connection sends the next one as soon as the previous one is answered.
 * @throws Error if a request fails or isn't answered with 2xx: such a load measures nothing
 */
export async function post(
  options: LoadOptions,
  bodies: readonly (string | Buffer)[],
): Promise<LoadResult> {
  let next = 0;
  const load = start(options, () => bodies[next++], { amount: bodies.length });
  const result = await load.finished;
  if (result.requests !== bodies.length) {
    throw new Error(`${result.requests} of ${bodies.length} requests were answered`);
  }
  return result;
}

/**
 * The same for bodies of megabytes. autocannon copies each of them, which takes longer than to send it.
 * @returns the time from the first request to the last answer, in seconds
 * @throws Error if a request fails or isn't answered with 200
 */
export async function postLarge(
  { url, key, connections }: LoadOptions,
  bodies: readonly Buffer[],
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
  const send = async (body: Buffer) => {
    const sent = request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'Content-Length': body.length },
    });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    await once(response.resume(), 'end');
    return response.statusCode;
  };
  const waiting = [...bodies];
  const startedAt = performance.now();
  try {
    await Promise.all(
      Array.from({ length: connections }, async () => {
        for (let body; (body = waiting.shift()) !== undefined;) {
          const status = await send(body);
          if (status !== 200) throw new Error(`a request was answered with ${status}`);
        }
      }),
    );
    return (performance.now() - startedAt) / 1000;
  } finally {
    agent.destroy();
  }
}

/**
 * Posts JSON bodies until a promise settles.
 * @param makeBody returns a new body each time
 * @throws Error as `post`; whatever `lasting` rejects with
 */
export async function postWhile(
  options: LoadOptions,
  makeBody: () => string,
  lasting: Promise<unknown>,
): Promise<LoadResult> {
  const load = start(options, makeBody, { duration: DAY_SECONDS });
  try {
    await lasting;
  } finally {
    load.stop();
  }
  return load.finished;
}

const DAY_SECONDS = 86_400;
/** Longer than any useful measurement. */
const TIMEOUT_SECONDS = 60;

function start(
  { url, key, connections }: LoadOptions,
  nextBody: () => string | Buffer | undefined,
  extent: { readonly amount: number } | { readonly duration: number },
): { readonly finished: Promise<LoadResult>; stop(): void } {
  const latenciesMs: number[] = [];
  const failures: string[] = [];
  let isStopped = false;
  const startedAt = performance.now();
  let lastAt = startedAt;
  const { promise: done, resolve, reject } = Promise.withResolvers<null>();
  const instance = autocannon(
    {
      ...extent,
      url,
      connections,
      timeout: TIMEOUT_SECONDS,
      requests: [
        {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          setupRequest: (request) => ({ ...request, body: nextBody() }),
        },
      ],
    },
    (error: Error | null) => (error ? reject(error) : resolve(null)),
  );
  instance.on('response', (_client, status, _bytes, latencyMs) => {
    if (isStopped) return;
    latenciesMs.push(latencyMs);
    lastAt = performance.now();
    if (status < 200 || status > 299) failures.push(`status ${status}`);
  });
  instance.on('reqError', (error) => failures.push(String(error)));
  const finished = done.then(() => {
    const [failure] = failures;
    if (failure !== undefined) {
      throw new Error(`${failures.length} requests failed, the first with ${failure}`);
    }
    return {
      seconds: (lastAt - startedAt) / 1000,
      requests: latenciesMs.length,
      latency: { p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) },
    };
  });
  return {
    finished,
    stop() {
      isStopped = true;
      instance.stop();
    },
  };
}

/** @returns the smallest value that is at least as large as the given share of them */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? Number.NaN;
}
