import { isUtf8 } from 'node:buffer';
import express, { type Request, type Response } from 'express';
import { findJsonFlaw } from '../ingestion/json-flaw.ts';
import { MAX_BODY_BYTES } from './body-size.ts';
import { HttpProblem } from './problems.ts';
import { runMiddleware } from './run-middleware.ts';

const parseJson = express.json({
  limit: MAX_BODY_BYTES,
  strict: false,
  type: 'application/json',
  // Decoding would put the same sign in place of whatever isn't UTF-8, and two ids
  // that differ there would be one.
  verify: (_request, _response, body, encoding) => {
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
 * @returns undefined where there is none
 * @throws HttpProblem `unsupported-media-type`, `malformed-request`, `request-timeout`; the body
 * parser's own errors
 */
export async function readJsonBody(
  request: Request,
  response: Response,
  timeoutMs: number,
): Promise<unknown> {
  // Null: there is no body; that is for the schema to say.
  if (request.is('application/json') === false) {
    throw new HttpProblem('unsupported-media-type', 'send Content-Type: application/json');
  }
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
  return request.body;
}
