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
