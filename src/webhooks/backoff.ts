/** Attempts to deliver an event before it is given up. */
export const MAX_ATTEMPTS = 14;

const FACTOR = 4;
const LONGEST_MS = 12 * 60 * 60 * 1000;

/**
 * How long to wait after an attempt that has failed: 5 s, four times as long each time, up to 12 h, of
 * which a random half to whole, so that what failed together isn't sent again together. The last
 * attempt comes one and a half to three and a half days after the first.
 * @param attempt which one has failed, from 1 on
 * @param random from 0 to 1
 * @returns milliseconds; null where it was the last
 */
export function retryInMs(attempt: number, random: number, firstRetryMs: number): number | null {
  if (attempt >= MAX_ATTEMPTS) return null;
  const fullMs = Math.min(firstRetryMs * FACTOR ** (attempt - 1), LONGEST_MS);
  return Math.trunc(fullMs * (0.5 + random / 2));
}
