import { z } from 'zod';
import { DEFAULT_RETRY, withRetries, type RetryPolicy } from '../retry.ts';
import { PostError, describeFailure, reasonOf, signingFetch } from './usage-client.ts';

export const LITELLM_PATH = '/api/v1/integrations/litellm';

const counts = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  conflicts: z.int(),
  counted: z.object({ failures: z.int(), cache_hits: z.int() }).catchall(z.int()),
  unpriced: z.int(),
  quarantined: z.int(),
});
/** What the API did with LiteLLM's events. */
export type LitellmCounts = z.infer<typeof counts>;
const reply = z.object({ counts });

export interface LitellmClientOptions {
  /** `http://127.0.0.1:8080`. */
  readonly apiUrl: string;
  readonly apiKey: string;
  /** `whsec_…`; required if the key's requests must be signed. */
  readonly signingSecret?: string | undefined;
  /** Required with an operator's key. */
  readonly backfillReason?: string | undefined;
  /** The currency of LiteLLM's costs; by default that of the key. */
  readonly currency?: string | undefined;
  /** Whether the events are rows of LiteLLM's own log, which knows their start only to the millisecond. */
  readonly isLog?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly retry?: Partial<RetryPolicy>;
}

/**
 * Returns a function that posts events as LiteLLM's callback does, one JSON text each, with retries. Sending events
 * again is safe.
 * @throws PostError if the API rejects the request or does not answer after all retries
 */
export function createLitellmClient({
  apiUrl,
  apiKey,
  signingSecret,
  backfillReason,
  currency,
  isLog = false,
  signal,
  retry,
}: LitellmClientOptions): (events: readonly string[]) => Promise<LitellmCounts> {
  const send =
    signingSecret === undefined
      ? (request: Request) => fetch(request)
      : signingFetch(signingSecret);
  const post = withRetries(send, { ...DEFAULT_RETRY, ...retry });
  const url = new URL(LITELLM_PATH, apiUrl);
  if (backfillReason !== undefined) url.searchParams.set('backfill_reason', backfillReason);
  if (currency !== undefined) url.searchParams.set('currency', currency);
  if (isLog) url.searchParams.set('source', 'spend_log');
  return async (events) => {
    const request = new Request(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/x-ndjson' },
      body: events.join('\n'),
      signal: signal ?? null,
    });
    let response: Response;
    try {
      response = await post(request);
    } catch (cause) {
      signal?.throwIfAborted();
      throw new PostError(`${apiUrl} could not be reached (${describeFailure(cause)})`, { cause });
    }
    const body = await readBody(response);
    if (response.ok) return reply.parse(body).counts;
    throw new PostError(`${url.href} answered ${response.status}: ${reasonOf(body, response)}`);
  };
}

/** The body: parsed if it is JSON, otherwise its text. */
async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
