import type { IncomingHttpHeaders } from 'node:http';

/** Of usage and feeds in bulk: room for 1,000 events of 2,000 characters. */
export const MAX_BULK_BYTES = 2 * 1024 * 1024;
/**
 * Of everything else: room for a quote with 1,000 resource kinds. Reading the names of 2 MB takes a tenth
 * of a second, in which nobody else is answered.
 */
export const MAX_BODY_BYTES = 256 * 1024;

/**
 * What a JSON body may take in memory: what it says, as far as that can be relied upon. One that
 * comes in chunks, or compressed, may come to anything that is allowed.
 */
export function bodySize(headers: IncomingHttpHeaders, maxBytes: number): number {
  const length = Number(headers['content-length']);
  const isCompressed = (headers['content-encoding'] ?? 'identity') !== 'identity';
  if (isCompressed || !Number.isSafeInteger(length)) return maxBytes;
  return Math.min(length, maxBytes);
}
