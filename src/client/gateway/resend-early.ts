import { DEFAULT_RETRY, pauseBefore, type RetryPolicy } from '../index.ts';

/** How long corrections that came before their record are sent again, after the last one was settled. */
export const EARLY_RETRY: RetryPolicy = { ...DEFAULT_RETRY, attempts: 5 };

/**
 * Sends corrections again that were answered `retry_later`: after everything else has been sent, because
 * their records may be in it, and with growing pauses, because another sender may have the records.
 * @param count how many there are
 * @param resend sends them again; returns how many are still too early
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
