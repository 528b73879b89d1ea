import type { RequestHandler } from 'express';
import { HttpProblem } from './problems.ts';

/** A NUL gets into a URL, or into a form, in one way only; PostgreSQL has no text that holds it. */
const NUL = '%00';

/** Refuses a URL with a NUL anywhere in it, for every route and page at once. */
export const refuseNulInUrl: RequestHandler = ({ originalUrl }, _response, next) => {
  refuseNul(originalUrl, 'the URL');
  next();
};

/**
 * @param encoded as it was sent, percent-encoded
 * @param what it is called in the answer
 * @throws HttpProblem `malformed-request`
 */
export function refuseNul(encoded: string, what: string): void {
  if (!encoded.includes(NUL) && !encoded.includes('\0')) return;
  throw new HttpProblem(
    'malformed-request',
    `${what} has a NUL character (%00), which no text may have`,
  );
}
