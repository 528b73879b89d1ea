import type { RequestHandler } from 'express';
import { recordNotice } from '../../db/access/api-notices.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Logger } from '../../lib/logger.ts';
import { errorForLog } from './error-for-log.ts';

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
