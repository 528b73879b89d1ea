import type { RequestHandler } from 'express';
import { HttpProblem } from './problems.ts';

/** Bytes of the request line and all headers, by which Node refuses a request. */
export const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_HEADERS = 100;

/** Node itself would leave out those beyond its count, silently. */
export const limitHeaders: RequestHandler = ({ rawHeaders }, _response, next) => {
  // Names and values take turns.
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    throw new HttpProblem('headers-too-large', `a request has at most ${MAX_HEADERS} headers`);
  }
  next();
};
