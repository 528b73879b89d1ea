import { createHmac } from 'node:crypto';
import { parseSecret } from './secret.ts';

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
