import { timingSafeEqual } from 'node:crypto';
import { signatureOf, type SignedContent } from './sign.ts';

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

/** The headers of Standard Webhooks. */
const SIGNATURE_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/** A request's signature headers. */
interface SignatureHeaders extends Omit<SignedContent, 'body'> {
  /** The signatures of version v1, 32 bytes each; a sender that changes secrets sends several. */
  readonly signatures: readonly Buffer[];
}

/** Why a signature is rejected. The kinds are stable. */
export interface SignatureComplaint {
  readonly kind: 'missing' | 'malformed' | 'too old' | 'too new' | 'wrong';
  readonly detail: string;
}

/** Visible ASCII without a full stop, which would let id and timestamp be split in two ways. */
const ID = /^[\x21-\x2d\x2f-\x7e]{1,200}$/;
const TIMESTAMP = /^(?:0|[1-9]\d{0,10})$/;
/** 32 bytes in base64. Other versions are ignored. */
const V1 = /^v1,([A-Za-z0-9+/]{43}=)$/;

/** Reads the three headers without comparing anything. */
function readSignatureHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): SignatureHeaders | SignatureComplaint {
  const missing = SIGNATURE_HEADERS.filter((name) => headers[name] === undefined);
  if (missing.length > 0) {
    return { kind: 'missing', detail: `this key has to sign: send ${missing.join(', ')}` };
  }
  const [id, timestamp, list] = SIGNATURE_HEADERS.map((name) => String(headers[name]));
  if (id === undefined || !ID.test(id)) {
    return malformed('webhook-id: expected 1 to 200 visible ASCII characters, no full stop');
  }
  if (timestamp === undefined || !TIMESTAMP.test(timestamp)) {
    return malformed('webhook-timestamp: expected seconds since 1970, in digits');
  }
  const signatures = readSignatures(list ?? '');
  return signatures.length > 0
    ? { id, timestamp, signatures }
    : malformed('webhook-signature: expected v1, a comma, and 32 bytes in base64');
}

function readSignatures(list: string): readonly Buffer[] {
  return list.split(' ').flatMap((entry) => {
    const [, encoded] = V1.exec(entry) ?? [];
    return encoded === undefined ? [] : [Buffer.from(encoded, 'base64')];
  });
}

function malformed(detail: string): SignatureComplaint {
  return { kind: 'malformed', detail };
}
