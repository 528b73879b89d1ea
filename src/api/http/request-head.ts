import type { RequestHandler } from 'express';
import { recordNotice } from '../../db/access/api-notices.ts';
import type { Queryable } from '../../db/pool.ts';
import { errorForLog, type Logger } from '../../lib/logger.ts';
import { HttpProblem } from './problems.ts';

const NOTE_EVERY_MS = 3_600_000;

/**
 * Reports `X-Forwarded-For` headers when no proxy is trusted, at most once an hour: in the log, and in the
 * database for `doctor`. The header is ignored, because any client can send it. But if a proxy sent it, all
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
      logger.warn({ error: errorForLog(error) }, 'could not record an untrusted proxy for doctor');
    });
  };
}

/** Limit for the request line and all headers together; Node enforces it. */
export const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_HEADERS = 100;

/** Rejects requests with too many headers (Node would silently drop some) or without a Host. */
export const limitHeaders: RequestHandler = (request, _response, next) => {
  const { rawHeaders, headers, httpVersionMajor, httpVersionMinor } = request;
  // Names and values alternate.
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    throw new HttpProblem('headers-too-large', `a request can have at most ${MAX_HEADERS} headers`);
  }
  // RFC 9112, section 3.2: HTTP/1.1 requests without Host get 400.
  if (headers.host === undefined && httpVersionMajor === 1 && httpVersionMinor === 1) {
    throw new HttpProblem('malformed-request', 'HTTP/1.1 requires a Host header');
  }
  next();
};

/** The only way to put a NUL into a URL or a form. PostgreSQL cannot store it in text. */
const NUL = '%00';

/** Rejects URLs that contain a NUL, for all routes and pages. */
export const refuseNulInUrl: RequestHandler = ({ originalUrl }, _response, next) => {
  refuseNul(originalUrl, 'the URL');
  next();
};

/**
 * Rejects input that contains a NUL.
 * @param encoded as sent, percent-encoded
 * @param what its name in the problem's detail
 * @throws HttpProblem `malformed-request`
 */
export function refuseNul(encoded: string, what: string): void {
  if (!encoded.includes(NUL) && !encoded.includes('\0')) return;
  throw new HttpProblem(
    'malformed-request',
    `${what} contains a NUL character (%00), which is not allowed`,
  );
}
