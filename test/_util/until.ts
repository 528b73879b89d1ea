import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks again and again until the answer is as wanted. Errors count as "not yet";
 * the test's own timeout is the bound, and the last answer is what it shows.
 */
export async function until<T>(
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
  timeoutMs = 50_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (isWanted(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await delay(50);
  }
  const shown = last instanceof Error ? String(last) : JSON.stringify(last, null, 1);
  throw new Error(`What the test waits for did not come; last seen: ${shown.slice(0, 2000)}`);
}
