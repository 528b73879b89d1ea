/** How often and how patiently a request is sent again; docs/integrating.md says why. */
export interface RetryPolicy {
  /** The first one included. */
  readonly attempts: number;
  /** Doubles from attempt to attempt; a random half to whole of it is waited. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** For one attempt. */
  readonly timeoutMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** @throws the signal's reason, when it is aborted */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 10,
  firstPauseMs: 200,
  longestPauseMs: 10_000,
  timeoutMs: 70_000,
  random: () => Math.random(),
  pause,
};

/** Answers after which the same request may succeed. */
const WORTH_REPEATING = new Set([425, 429, 500, 502, 503, 504]);

/** POSTs that may be sent twice: usage counts once by its id, a quote changes nothing. */
const IDEMPOTENT_POSTS = /\/api\/v1\/(?:integrations\/[^/]+|quote)$/;
const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

type Fetch = (request: Request) => Promise<Response>;

/**
 * Makes a `fetch` that sends idempotent requests again: after a broken connection or a timeout, and
 * after 425, 429, 500, 502, 503 and 504, as late as Retry-After says, else with growing pauses.
 * @returns its last answer, whatever it is
 * @throws what the last attempt threw; the reason of the request's own signal
 */
export function withRetries(send: Fetch, policy: RetryPolicy): Fetch {
  return async (request) => {
    const attempts = isIdempotent(request) ? policy.attempts : 1;
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt >= attempts;
      let pauseMs = pauseBefore(attempt + 1, policy);
      try {
        const response = await send(withTimeout(request, policy.timeoutMs));
        if (isLast || !WORTH_REPEATING.has(response.status)) return response;
        pauseMs = readRetryAfterMs(response.headers.get('Retry-After')) ?? pauseMs;
        // Unread, it would keep its connection.
        await response.body?.cancel();
      } catch (error) {
        request.signal.throwIfAborted();
        if (isLast) throw error;
      }
      await policy.pause(pauseMs, request.signal);
    }
  };
}

/** Whether sending it twice does what sending it once does. */
export function isIdempotent({ method, url }: Pick<Request, 'method' | 'url'>): boolean {
  if (IDEMPOTENT_METHODS.has(method)) return true;
  return method === 'POST' && IDEMPOTENT_POSTS.test(new URL(url).pathname);
}

/**
 * How long to wait before an attempt, the second one at the earliest. Exponential, with jitter: clients
 * that failed together don't come again together.
 */
export function pauseBefore(attempt: number, policy: RetryPolicy): number {
  const { firstPauseMs, longestPauseMs, random } = policy;
  const pauseMs = Math.min(firstPauseMs * 2 ** (attempt - 2), longestPauseMs);
  return pauseMs * (0.5 + random() / 2);
}

/** A copy: a body can be sent once. */
function withTimeout(request: Request, timeoutMs: number): Request {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
  return new Request(request.clone(), { signal });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/**
 * Reads a Retry-After header: seconds or an HTTP date (RFC 9110).
 * @returns milliseconds to wait; null where there is neither
 */
export function readRetryAfterMs(header: string | null, now = Date.now()): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? null : Math.max(ms, 0);
}
