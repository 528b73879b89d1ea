import { isUtf8 } from 'node:buffer';
import express, { type Request, type Response } from 'express';
import { HttpProblem } from './problems.ts';
import { runMiddleware } from './run-middleware.ts';

/** Room for 1,000 events of 2,000 characters. */
export const BODY_LIMIT_BYTES = 2 * 1024 * 1024;

const parseJson = express.json({
  limit: BODY_LIMIT_BYTES,
  strict: false,
  type: 'application/json',
  // Decoding would put the same sign in place of whatever isn't UTF-8, and two ids
  // that differ there would be one.
  verify: (_request, _response, body, encoding) => {
    if (encoding !== 'utf-8') {
      throw new HttpProblem('unsupported-media-type', `send JSON in UTF-8, not in ${encoding}`);
    }
    if (!isUtf8(body)) throw new HttpProblem('malformed-request', 'the body is not UTF-8');
  },
});

/**
 * Reads a request's body as JSON.
 * @returns undefined where there is none
 * @throws HttpProblem `unsupported-media-type`, `malformed-request`; the body parser's own errors
 */
export async function readJsonBody(request: Request, response: Response): Promise<unknown> {
  // Null: there is no body; that is for the schema to say.
  if (request.is('application/json') === false) {
    throw new HttpProblem('unsupported-media-type', 'send Content-Type: application/json');
  }
  await runMiddleware(parseJson, request, response);
  return request.body;
}
