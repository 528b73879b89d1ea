import { z } from 'zod';
import { hash } from 'node:crypto';
import { createClient, type ApiClient, type ClientOptions, type Schemas } from '../index.ts';
import { signedHeaders } from '../../lib/signing/sign.ts';

/** The events of the two kinds of usage, as in the API. */
export interface UsageEvents {
  readonly llm: Readonly<Schemas['LlmUsageEvent']>;
  readonly metered: Readonly<Schemas['MeteredUsageRecord']>;
}
export type UsageEndpoint = keyof UsageEvents;

/** The API path for each kind. */
export const USAGE_PATHS = {
  llm: '/api/v1/integrations/llm-usage',
  metered: '/api/v1/integrations/metered-usage',
} as const satisfies Record<UsageEndpoint, string>;

export const RESULT_STATUSES = [
  'accepted',
  'duplicate',
  'conflict',
  'retry_later',
  'rejected',
] as const;
export type ResultStatus = (typeof RESULT_STATUSES)[number];

/** The API's result for one event. */
export interface PostResult {
  readonly status: ResultStatus;
  readonly reason?: string | undefined;
}

interface UsageClientOptions extends Pick<ClientOptions, 'apiKey' | 'signal' | 'retry'> {
  /** `http://127.0.0.1:8080`. */
  readonly apiUrl: string;
  /** `whsec_…`; required if the key's requests must be signed. */
  readonly signingSecret?: string | undefined;
}

/** Posts usage as the gateway and the metering pipeline do, with retries. */
export interface UsageClient {
  /** @returns a result per event, in order */
  postBatch<Endpoint extends UsageEndpoint>(
    endpoint: Endpoint,
    events: readonly UsageEvents[Endpoint][],
  ): Promise<readonly PostResult[]>;
  postOne<Endpoint extends UsageEndpoint>(
    endpoint: Endpoint,
    event: UsageEvents[Endpoint],
  ): Promise<PostResult>;
}

/** The API rejected the request, or did not answer after all retries. */
export class PostError extends Error {
  override readonly name = 'PostError';
}

/** Checked, because a proxy may answer instead of the API. */
const batchReply = z.object({
  results: z.array(z.object({ status: z.enum(RESULT_STATUSES), reason: z.string().optional() })),
});
const oneReply = z.object({ status: z.enum(['accepted', 'duplicate']) });
const problem = z.object({ title: z.string(), detail: z.string() });

/** The result of a call of the typed client. */
interface Answer {
  readonly data?: unknown;
  readonly error?: unknown;
  readonly response: Response;
}

export function createUsageClient(usageOptions: UsageClientOptions): UsageClient {
  const { apiUrl, signingSecret, ...options } = usageOptions;
  const client = createClient({
    baseUrl: apiUrl,
    ...options,
    ...(signingSecret !== undefined && { fetch: signingFetch(signingSecret) }),
  });
  const settled = async (call: Promise<Answer>) => {
    try {
      return await call;
    } catch (cause) {
      options.signal?.throwIfAborted();
      throw new PostError(`${apiUrl} could not be reached (${describeFailure(cause)})`, { cause });
    }
  };
  return {
    async postBatch(endpoint, events) {
      const { data, error, response } = await settled(send[endpoint](client, events));
      if (!response.ok) throw toPostError(response, error);
      return batchReply.parse(data).results;
    },
    async postOne(endpoint, event) {
      const { data, error, response } = await settled(sendOne[endpoint](client, event));
      if (response.ok) return oneReply.parse(data);
      if (response.status === 409) return { status: 'conflict', reason: reasonOf(error, response) };
      if (response.status === 425) {
        return { status: 'retry_later', reason: reasonOf(error, response) };
      }
      if (response.status === 422) return { status: 'rejected', reason: reasonOf(error, response) };
      throw toPostError(response, error);
    },
  };
}

type Send<Sent> = (client: ApiClient, sent: Sent) => Promise<Answer>;

const send: { readonly [E in UsageEndpoint]: Send<readonly UsageEvents[E][]> } = {
  llm: (client, events) => client.POST(USAGE_PATHS.llm, { body: { events: [...events] } }),
  metered: (client, records) =>
    client.POST(USAGE_PATHS.metered, { body: { records: [...records] } }),
};

const sendOne: { readonly [E in UsageEndpoint]: Send<UsageEvents[E]> } = {
  llm: (client, body) => client.POST(USAGE_PATHS.llm, { body }),
  metered: (client, body) => client.POST(USAGE_PATHS.metered, { body }),
};

function toPostError(response: Response, error: unknown): PostError {
  return new PostError(`${response.url} answered ${response.status}: ${reasonOf(error, response)}`);
}

/**
 * The reason in a problem, or else the start of the text.
 * @param error body of the response: an object if it was JSON, otherwise text
 */
export function reasonOf(error: unknown, response: Response): string {
  const { success, data } = problem.safeParse(error);
  if (success) return data.detail === '' ? data.title : data.detail;
  const text = typeof error === 'string' ? error.slice(0, 200) : '';
  return text || response.statusText;
}

/** Why a request failed, such as a refused connection. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== ''
    ? error.cause.message
    : error.message;
}

/**
 * A `fetch` that signs each request (Standard Webhooks).
 * @param secret `whsec_…`
 */
export function signingFetch(secret: string): (request: Request) => Promise<Response> {
  return async (request) => {
    const body = await request.clone().text();
    // A retried message keeps its id; its timestamp is renewed.
    const id = `msg_${hash('sha256', body, 'base64url')}`;
    const signed = new Request(request);
    const headers = Object.entries(signedHeaders(secret, { id, at: new Date(), body }));
    for (const [name, value] of headers) signed.headers.set(name, value);
    return fetch(signed);
  };
}
