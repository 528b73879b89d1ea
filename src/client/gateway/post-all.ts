import { type RetryPolicy, DEFAULT_RETRY, pauseBefore } from '../index.ts';
import type { PostResult, UsageClient, UsageEndpoint, UsageEvents } from './usage-client.ts';

interface PostAllOptions {
  readonly batchSize?: number;
  /** Number of concurrent batches. */
  readonly concurrency?: number;
  /** Called with the number of events answered so far, after each batch. */
  readonly onProgress?: (answered: number) => void;
  /** How corrections that arrived before their record are retried. */
  readonly earlyRetry?: RetryPolicy;
}

/**
 * Posts events in concurrent batches, then retries corrections that arrived before their record.
 * @returns a result per event, in order
 */
export async function postAll<Endpoint extends UsageEndpoint>(
  client: UsageClient,
  endpoint: Endpoint,
  events: readonly UsageEvents[Endpoint][],
  { batchSize = 500, concurrency = 4, onProgress, earlyRetry }: PostAllOptions = {},
): Promise<readonly PostResult[]> {
  const results = new Array<PostResult>(events.length);

  async function post(
    places: readonly number[],
    onAnswered: (count: number) => void = () => undefined,
  ): Promise<void> {
    let next = 0;
    async function postBatches(): Promise<void> {
      while (next < places.length) {
        const batch = places.slice(next, (next += batchSize));
        const sent = batch.flatMap((place) => events[place] ?? []);
        const answers = await client.postBatch(endpoint, sent);
        answers.forEach((answer, index) => (results[batch[index] ?? 0] = answer));
        onAnswered(batch.length);
      }
    }
    await Promise.all(Array.from({ length: concurrency }, postBatches));
  }

  const early = () =>
    results.flatMap(({ status }, place) => (status === 'retry_later' ? [place] : []));
  let answered = 0;
  await post([...events.keys()], (count) => onProgress?.((answered += count)));
  await resendEarly(
    early().length,
    async () => {
      await post(early());
      return early().length;
    },
    earlyRetry && { policy: earlyRetry },
  );
  return results;
}

/** How corrections that arrived before their record are retried; attempts are counted from the last success. */
export const EARLY_RETRY: RetryPolicy = { ...DEFAULT_RETRY, attempts: 5 };

/**
 * Retries corrections that were answered `retry_later`. Call it after everything else has been sent, which may include
 * their records. Pauses grow, because another sender may have the records.
 * @param count number of corrections
 * @param resend sends them again and returns how many are still too early
 */
export async function resendEarly(
  count: number,
  resend: () => Promise<number>,
  { policy = EARLY_RETRY, signal }: { policy?: RetryPolicy; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  let waiting = count;
  for (let attempt = 2; waiting > 0 && attempt <= policy.attempts; attempt += 1) {
    await policy.pause(pauseBefore(attempt, policy), signal ?? new AbortController().signal);
    const left = await resend();
    if (left < waiting) attempt = 1;
    waiting = left;
  }
}
