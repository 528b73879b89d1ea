/**
 * Reads a Retry-After header: seconds or an HTTP date (RFC 9110).
 * @returns milliseconds to wait; null where there is neither
 */
export function readRetryAfterMs(header: string | null, now = Date.now()): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? null : Math.max(ms, 0);
}
