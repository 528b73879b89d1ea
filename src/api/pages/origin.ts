import type { Request } from 'express';
import { HttpProblem } from '../http/problems.ts';
import type { CookieTerms } from './session.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/** Whether a request's cookies may be without `Secure`: plain HTTP, on this machine. */
export function cookieTermsOf(request: Request): CookieTerms {
  return { isSecure: request.secure || !LOOPBACK.test(request.headers.host ?? '') };
}

/** Whether a browser will not keep our cookie: plain HTTP, and not on this machine. */
export function isTooOpen(request: Request): boolean {
  return !request.secure && cookieTermsOf(request).isSecure;
}

/**
 * Refuses what another site's page sends. Browsers say where a form comes from: the newer ones by
 * `Sec-Fetch-Site`, over HTTPS and on this machine, all of them by `Origin`. Who says neither is no
 * browser.
 * @throws HttpProblem `forbidden`
 */
export function requireSameOrigin({ headers }: Pick<Request, 'headers'>): void {
  const { 'sec-fetch-site': site, origin, host } = headers;
  const isOurs = site === undefined ? originHost(origin) === host : site === 'same-origin';
  if (isOurs && (origin === undefined || originHost(origin) === host)) return;
  throw new HttpProblem(
    'forbidden',
    'this form was sent from another site, or from no page at all',
  );
}

/** The scheme may differ: a proxy speaks HTTPS for us. */
function originHost(origin: string | undefined): string | null {
  return origin !== undefined && URL.canParse(origin) ? new URL(origin).host : null;
}
