import createFetchClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './generated.ts';
import { DEFAULT_RETRY, withRetries, type RetryPolicy } from './retry.ts';

/** The API, typed by its OpenAPI document: `client.GET('/api/v1/invoices', …)`. */
export type ApiClient = Client<paths>;
/** The document's named schemas, such as `Schemas['LlmUsageEvent']`. */
export type Schemas = components['schemas'];
/** Problem details, as `error` of a call holds them. */
export type Problem = Schemas['Problem'];

export interface ClientOptions {
  /** `http://127.0.0.1:8080`. */
  readonly baseUrl: string;
  /** `arc_<scope>_…`. */
  readonly apiKey: string;
  /** Ends all calls, and their pauses. */
  readonly signal?: AbortSignal | undefined;
  /** What is not given is as in `DEFAULT_RETRY`; `{ attempts: 1 }` never sends again. */
  readonly retry?: Partial<RetryPolicy>;
  /** By default the global one. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Makes a client of the API. Calls resolve to `{ data }` or `{ error }`, and `response`. */
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
