import { timingSafeEqual } from 'node:crypto';
import { signatureOf } from './sign.ts';
import {
  readSignatureHeaders,
  type SignatureComplaint,
  type SignatureHeaders,
} from './signature-headers.ts';

/** Maximum difference between a request's timestamp and our clock, either way (Standard Webhooks). */
export const TOLERANCE_SECONDS = 300;

export interface SignedRequest {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As the sender wrote it: after decompression, before parsing. */
  readonly body: Buffer;
}

/**
 * Checks a request's signature according to Standard Webhooks.
 * @param secrets the signature may use any of them
 * @returns null if it is valid
 */
export function checkSignature(
  { headers, body }: SignedRequest,
  secrets: readonly Buffer[],
  now: Date,
): SignatureComplaint | null {
  const read = readSignatureHeaders(headers);
  if ('kind' in read) return read;
  return (
    checkTime(read, now) ??
    (isSigned(read, body, secrets)
      ? null
      : { kind: 'wrong', detail: 'the signature is not that of this id, timestamp and body' })
  );
}

function checkTime({ timestamp }: SignatureHeaders, now: Date): SignatureComplaint | null {
  const ageSeconds = Math.floor(now.getTime() / 1000) - Number(timestamp);
  const bound = `more than ${TOLERANCE_SECONDS} seconds`;
  if (ageSeconds > TOLERANCE_SECONDS) {
    return { kind: 'too old', detail: `webhook-timestamp: ${bound} ago` };
  }
  return ageSeconds < -TOLERANCE_SECONDS
    ? { kind: 'too new', detail: `webhook-timestamp: ${bound} ahead` }
    : null;
}

function isSigned(
  { id, timestamp, signatures }: SignatureHeaders,
  body: Buffer,
  secrets: readonly Buffer[],
): boolean {
  return secrets.some((secret) => {
    const expected = signatureOf(secret, { id, timestamp, body });
    return signatures.some((signature) => timingSafeEqual(signature, expected));
  });
}
