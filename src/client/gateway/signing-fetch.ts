import { hash } from 'node:crypto';
import { signedHeaders } from '../../lib/signing/sign.ts';

/**
 * A `fetch` that signs each request (Standard Webhooks).
 * @param secret as it was shown: `whsec_…`
 */
export function signingFetch(secret: string): (request: Request) => Promise<Response> {
  return async (request) => {
    const body = await request.clone().text();
    // The same message has the same id however often it is sent; its timestamp is of each sending.
    const id = `msg_${hash('sha256', body, 'base64url')}`;
    const signed = new Request(request);
    const headers = Object.entries(signedHeaders(secret, { id, at: new Date(), body }));
    for (const [name, value] of headers) signed.headers.set(name, value);
    return fetch(signed);
  };
}
