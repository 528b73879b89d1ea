import type { IncomingHttpHeaders } from 'node:http';

/** Room for 1,000 events of 2,000 characters. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024;

/**
 * What a JSON body may take in memory: what it says, as far as that can be relied upon. One that
 * comes in chunks, or compressed, may come to anything that is allowed.
 */
export function bodySize(headers: IncomingHttpHeaders): number {
  const length = Number(headers['content-length']);
  const isCompressed = (headers['content-encoding'] ?? 'identity') !== 'identity';
  if (isCompressed || !Number.isSafeInteger(length)) return MAX_BODY_BYTES;
  return Math.min(length, MAX_BODY_BYTES);
}
