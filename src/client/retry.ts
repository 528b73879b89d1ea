/** How requests are retried; see docs/integrating.md. */
export interface RetryPolicy {
  /** Including the first one. */
  readonly attempts: number;
  /** Doubles with each attempt; the actual pause is a random 50 to 100 % of it. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** Per attempt. */
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

/** Statuses after which the same request may succeed. */
const WORTH_REPEATING = new Set([425, 429, 500, 502, 503, 504]);

/** POSTs that are safe to repeat: usage is deduplicated by id, and quotes change nothing. */
const IDEMPOTENT_POSTS = /\/api\/v1\/(?:integrations\/[^/]+|quote)$/;
const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

type Fetch = (request: Request) => Promise<Response>;

/**
 * Wraps a `fetch` so that idempotent requests are retried after a broken connection, a timeout, and statuses 425, 429,
 * 500, 502, 503 and 504. The pause is Retry-After, or grows with each attempt.
 * @returns a `fetch` that resolves to the last response and throws the error of the last attempt, or the reason of the
 * request's signal
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
        // An unread body would keep the connection open.
        await response.body?.cancel();
      } catch (error) {
        request.signal.throwIfAborted();
        if (isLast) throw error;
      }
      await policy.pause(pauseMs, request.signal);
    }
  };
}

/** Whether the request is safe to repeat. */
export function isIdempotent({ method, url }: Pick<Request, 'method' | 'url'>): boolean {
  if (IDEMPOTENT_METHODS.has(method)) return true;
  return method === 'POST' && IDEMPOTENT_POSTS.test(new URL(url).pathname);
}

/**
 * Milliseconds to wait before an attempt (2 or later). Exponential with jitter, so that clients that failed together
 * don't retry together.
 */
export function pauseBefore(attempt: number, policy: RetryPolicy): number {
  const { firstPauseMs, longestPauseMs, random } = policy;
  const pauseMs = Math.min(firstPauseMs * 2 ** (attempt - 2), longestPauseMs);
  return pauseMs * (0.5 + random() / 2);
}

/** Returns a copy of the request, because a body can be sent only once. */
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
 * Parses a Retry-After header: seconds or an HTTP date (RFC 9110).
 * @returns milliseconds to wait; null if it is missing or malformed
 */
export function readRetryAfterMs(header: string | null, now = Date.now()): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? null : Math.max(ms, 0);
}
