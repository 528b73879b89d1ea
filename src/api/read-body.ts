import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import express, { type Request, type Response } from 'express';
import { findJsonFlaw } from '../ingestion/json-flaw.ts';
import { MAX_BODY_BYTES } from './body-size.ts';
import { HttpProblem } from './problems.ts';
import type { CheckBody } from './require-signature.ts';
import { runMiddleware } from './run-middleware.ts';

/** A request without a body is signed all the same: over no bytes. */
export const NO_BODY = Buffer.alloc(0);

/** What has yet to look at the bodies of these requests. */
const checks = new WeakMap<IncomingMessage, CheckBody>();

const parseJson = express.json({
  limit: MAX_BODY_BYTES,
  strict: false,
  type: 'application/json',
  // Of the bytes, decompressed: decoding would put the same sign in place of whatever isn't UTF-8,
  // and two ids that differ there would be one.
  verify: (request, _response, body, encoding) => {
    checks.get(request)?.(body);
    checks.delete(request);
    if (encoding !== 'utf-8') {
      throw new HttpProblem('unsupported-media-type', `send JSON in UTF-8, not in ${encoding}`);
    }
    if (!isUtf8(body)) throw new HttpProblem('malformed-request', 'the body is not UTF-8');
    const flaw = findJsonFlaw(body.toString('utf8'));
    if (flaw === null) return;
    throw new HttpProblem('malformed-request', `${flaw.pointer}: ${flaw.detail}`, {
      errors: [flaw],
    });
  },
});

/**
 * Reads a request's body as JSON. A name that an object has twice is refused: whoever checks what
 * was sent may read the one, and we the other.
 * @param check looks at its bytes first, in any case: at none where there is no body
 * @returns undefined where there is none
 * @throws HttpProblem `unsupported-media-type`, `malformed-request`, `request-timeout`; the body
 * parser's own errors
 */
export async function readJsonBody(
  request: Request,
  response: Response,
  { timeoutMs, check }: { readonly timeoutMs: number; readonly check: CheckBody },
): Promise<unknown> {
  // Null: there is no body; that is for the schema to say.
  if (request.is('application/json') === false) {
    throw new HttpProblem('unsupported-media-type', 'send Content-Type: application/json');
  }
  checks.set(request, check);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new HttpProblem('request-timeout', `the body did not come within ${timeoutMs / 1000} s`, {
        // The rest of it may never come.
        headers: { Connection: 'close' },
      }),
    );
  }, timeoutMs);
  try {
    await Promise.race([runMiddleware(parseJson, request, response), late.promise]);
  } finally {
    clearTimeout(timer);
  }
  // The parser passes over what has no body.
  if (checks.delete(request)) check(NO_BODY);
  return request.body;
}
