import { createHmac } from 'node:crypto';

/** Standard Webhooks: a symmetric secret is told by its prefix. */
const PREFIX = 'whsec_';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Changes with the way secrets are derived, so that no two ways derive the same. */
const PURPOSE = 'arcadia signing secret v1:';

/**
 * The secret of an id. It is derived and not kept: who reads the database can't sign, and who needs
 * it in plain text needs the master secret.
 * @returns 32 bytes, the HMAC's key
 */
export function deriveSecret(masterSecret: string, secretId: string): Buffer {
  return createHmac('sha256', masterSecret)
    .update(PURPOSE + secretId)
    .digest();
}

/** As it is handed to the sender: `whsec_` and base64. */
export function formatSecret(secret: Buffer): string {
  return PREFIX + secret.toString('base64');
}

/** @throws Error for what isn't a secret; its message doesn't repeat it */
export function parseSecret(text: string): Buffer {
  const encoded = text.slice(PREFIX.length);
  if (!text.startsWith(PREFIX) || encoded === '' || !BASE64.test(encoded)) {
    throw new Error('a signing secret is whsec_ followed by base64');
  }
  return Buffer.from(encoded, 'base64');
}
