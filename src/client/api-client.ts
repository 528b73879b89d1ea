import createFetchClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './generated.ts';
import { DEFAULT_RETRY, withRetries, type RetryPolicy } from './retry.ts';

/** The API, typed by its OpenAPI document: `client.GET('/api/v1/invoices', …)`. */
export type ApiClient = Client<paths>;
/** The named schemas of the OpenAPI document, such as `Schemas['LlmUsageEvent']`. */
export type Schemas = components['schemas'];
/** Problem details, the `error` of a failed call. */
export type Problem = Schemas['Problem'];

export interface ClientOptions {
  /** `http://127.0.0.1:8080`. */
  readonly baseUrl: string;
  /** `arc_<scope>_…`. */
  readonly apiKey: string;
  /** Aborts all calls and retry pauses. */
  readonly signal?: AbortSignal | undefined;
  /** Overrides of `DEFAULT_RETRY`; `{ attempts: 1 }` turns retries off. */
  readonly retry?: Partial<RetryPolicy>;
  /** Default: the global `fetch`. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Creates a client of the API. Calls resolve to `{ data, response }` or `{ error, response }`. */
export function createClient(options: ClientOptions): ApiClient {
  const {
    baseUrl,
    apiKey,
    signal,
    retry,
    fetch: send = (request: Request) => fetch(request),
  } = options;
  return createFetchClient<paths>({
    baseUrl: baseUrl.replace(/\/+$/, ''),
    headers: { Authorization: `Bearer ${apiKey}` },
    ...(signal && { signal }),
    fetch: withRetries(send, { ...DEFAULT_RETRY, ...retry }),
  });
}
