import { createHmac } from 'node:crypto';

/** Standard Webhooks: the prefix marks a symmetric secret. */
const PREFIX = 'whsec_';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Change it together with the derivation, so that two derivations never give the same secret. */
const PURPOSE = 'arcadia signing secret v1:';

/**
 * Returns the secret of an id. It is derived and not stored: access to the database is not enough
 * to sign; the master secret is needed.
 * @returns 32 bytes, the HMAC's key
 */
export function deriveSecret(masterSecret: string, secretId: string): Buffer {
  return createHmac('sha256', masterSecret)
    .update(PURPOSE + secretId)
    .digest();
}

/** Returns the form that the sender gets: `whsec_` and base64. */
export function formatSecret(secret: Buffer): string {
  return PREFIX + secret.toString('base64');
}

/** Parses that form. @throws Error for anything else; its message doesn't repeat the text */
export function parseSecret(text: string): Buffer {
  const encoded = text.slice(PREFIX.length);
  if (!text.startsWith(PREFIX) || encoded === '' || !BASE64.test(encoded)) {
    throw new Error('a signing secret is whsec_ followed by base64');
  }
  return Buffer.from(encoded, 'base64');
}

/** What a signature covers (Standard Webhooks). */
export interface SignedContent {
  /** Without a full stop, so that it can't run into the timestamp. */
  readonly id: string;
  /** Seconds since the epoch, as digits. */
  readonly timestamp: string;
  /** The body as the sender wrote it: before compression, before parsing. */
  readonly body: string | Buffer;
}

/** Returns the HMAC-SHA256 over `id.timestamp.body`, 32 bytes. */
export function signatureOf(secret: Buffer, { id, timestamp, body }: SignedContent): Buffer {
  return createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest();
}

/**
 * Returns the headers of a signed request.
 * @param secret in the form `whsec_…`
 * @throws Error for an invalid secret
 */
export function signedHeaders(
  secret: string,
  { id, at, body }: { readonly id: string; readonly at: Date; readonly body: string },
) {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signature = signatureOf(parseSecret(secret), { id, timestamp, body });
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature.toString('base64')}`,
  };
}
