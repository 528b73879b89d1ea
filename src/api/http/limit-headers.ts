import type { RequestHandler } from 'express';
import { HttpProblem } from './problems.ts';

/** Bytes of the request line and all headers, by which Node refuses a request. */
export const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_HEADERS = 100;

/** Refuses too many headers, of which Node would leave some out silently, and a missing Host. */
export const limitHeaders: RequestHandler = (request, _response, next) => {
  const { rawHeaders, headers, httpVersionMajor, httpVersionMinor } = request;
  // Names and values take turns.
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    throw new HttpProblem('headers-too-large', `a request has at most ${MAX_HEADERS} headers`);
  }
  // RFC 9112, 3.2: 400 for a request of HTTP/1.1 without one.
  if (headers.host === undefined && httpVersionMajor === 1 && httpVersionMinor === 1) {
    throw new HttpProblem('malformed-request', 'a request of HTTP/1.1 has a Host header');
  }
  next();
};
