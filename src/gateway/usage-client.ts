import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { signedHeaders } from '../signing/sign.ts';

/** The two kinds of usage, as the API takes them. */
const ENDPOINTS = {
  llm: { path: '/api/v1/integrations/llm-usage', batchField: 'events' },
  metered: { path: '/api/v1/integrations/metered-usage', batchField: 'records' },
} as const;
export type UsageEndpoint = keyof typeof ENDPOINTS;

export const RESULT_STATUSES = ['accepted', 'duplicate', 'conflict', 'rejected'] as const;
export type ResultStatus = (typeof RESULT_STATUSES)[number];

/** What the API said of one event. */
export interface PostResult {
  readonly status: ResultStatus;
  readonly reason?: string | undefined;
}

export interface UsageClientOptions {
  /** `http://127.0.0.1:8080`. */
  readonly apiUrl: string;
  readonly apiKey: string;
  /** `whsec_…`, where the key has to sign. */
  readonly signingSecret?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Posts usage as the gateway and the metering pipeline do: again and again until it is taken. */
export interface UsageClient {
  /** @returns a result per event, in order */
  postBatch(endpoint: UsageEndpoint, events: readonly object[]): Promise<readonly PostResult[]>;
  postOne(endpoint: UsageEndpoint, event: object): Promise<PostResult>;
}

/** The API refuses, or didn't answer however often it was asked. */
export class PostError extends Error {
  override readonly name = 'PostError';
}

const MAX_ATTEMPTS = 10;
const REQUEST_TIMEOUT_MS = 70_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/** Answers after which the same request may succeed; to send it twice counts nothing twice. */
const WORTH_REPEATING = new Set([429, 500, 502, 503, 504]);

const batchReply = z.object({
  results: z.array(z.object({ status: z.enum(RESULT_STATUSES), reason: z.string().optional() })),
});
const oneReply = z.object({ status: z.enum(['accepted', 'duplicate']) });
const problem = z.object({ title: z.string(), detail: z.string() });

export function createUsageClient(options: UsageClientOptions): UsageClient {
  return {
    async postBatch(endpoint, events) {
      const { batchField } = ENDPOINTS[endpoint];
      const response = await post(options, endpoint, { [batchField]: events });
      if (!response.ok) throw await toPostError(response);
      return batchReply.parse(await response.json()).results;
    },
    async postOne(endpoint, event) {
      const response = await post(options, endpoint, event);
      if (response.ok) return oneReply.parse(await response.json());
      if (response.status === 409) return { status: 'conflict', reason: await reasonOf(response) };
      if (response.status === 422) return { status: 'rejected', reason: await reasonOf(response) };
      throw await toPostError(response);
    },
  };
}

/** Sends a request until it has an answer that settles it. */
async function post(
  { apiUrl, apiKey, signingSecret, signal }: UsageClientOptions,
  endpoint: UsageEndpoint,
  content: object,
): Promise<Response> {
  const url = new URL(ENDPOINTS[endpoint].path, apiUrl);
  const body = JSON.stringify(content);
  // The message stays the same however often it is sent; when it was sent does not.
  const id = `msg_${randomUUID()}`;
  const timeout = () => AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  let failure: unknown;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    let pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${apiKey}`,
          'Content-Type': 'application/json',
          ...(signingSecret && signedHeaders(signingSecret, { id, at: new Date(), body })),
        },
        body,
        signal: signal ? AbortSignal.any([signal, timeout()]) : timeout(),
      });
      if (!WORTH_REPEATING.has(response.status)) return response;
      pauseMs = readRetryAfterMs(response.headers.get('Retry-After')) ?? pauseMs;
      failure = await toPostError(response);
    } catch (error) {
      signal?.throwIfAborted();
      failure = error;
    }
    if (attempt < MAX_ATTEMPTS) await sleep(pauseMs, undefined, { signal });
  }
  throw new PostError(
    `${url.origin} did not take the usage in ${MAX_ATTEMPTS} attempts (${describe(failure)})`,
    { cause: failure },
  );
}

/** Seconds or an HTTP date; null where there is neither. */
export function readRetryAfterMs(header: string | null, now = Date.now()): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? null : Math.max(ms, 0);
}

async function toPostError(response: Response): Promise<PostError> {
  return new PostError(`${response.url} answered ${response.status}: ${await reasonOf(response)}`);
}

async function reasonOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { title, detail } = problem.parse(JSON.parse(text));
    return detail === '' ? title : detail;
  } catch {
    return text.slice(0, 200) || response.statusText;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== ''
    ? error.cause.message
    : error.message;
}
