import type { RequestHandler } from 'express';
import { recordNotice } from '../../db/access/api-notices.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Logger } from '../../lib/logger.ts';
import { errorForLog } from './to-problem.ts';
import { HttpProblem } from './problems.ts';

const NOTE_EVERY_MS = 3_600_000;

/**
 * Notes `X-Forwarded-For` where no proxy is trusted, at most once an hour: in the log, and for `doctor`
 * in the database. The header itself is ignored, for anybody can send one; but if a proxy sends it, all
 * clients behind that proxy count as one address.
 */
export function noteUntrustedProxies(
  {
    db,
    logger,
    now,
  }: { readonly db: Queryable; readonly logger: Logger; readonly now: () => Date },
  trustedProxies: number,
): RequestHandler {
  let notedAt: number | null = null;
  return (request, _response, next) => {
    next();
    if (trustedProxies > 0 || request.headers['x-forwarded-for'] === undefined) return;
    const at = now();
    if (notedAt !== null && at.getTime() - notedAt < NOTE_EVERY_MS) return;
    notedAt = at.getTime();
    logger.warn(
      { peer: request.socket.remoteAddress },
      'X-Forwarded-For is ignored: API_TRUSTED_PROXIES is 0. If this peer is your proxy, set it to the number of proxies in front',
    );
    recordNotice(db, 'untrusted_proxy', at).catch((error: unknown) => {
      logger.warn({ error: errorForLog(error) }, 'an untrusted proxy was not noted for doctor');
    });
  };
}

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
