import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { parseCookie, stringifySetCookie } from 'cookie';
import { SignJWT, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Request } from 'express';
import { HttpProblem } from '../http/problems.ts';
import { findLiveKey, isExpired } from '../../db/access/api-keys.ts';
import { mustSign } from '../http/require-signature.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import type { SignedIn } from './page-definition.ts';

/** From sign-in on, whatever happens: nobody stays signed in by going on. */
export const SESSION_SECONDS = 8 * 60 * 60;

const claims = z.object({ sub: z.uuid(), jti: z.uuid() });

/** What a browser's cookie says, and we have signed: which key was shown to us, never the key. */
export interface Session {
  readonly keyId: string;
  /** Every form that changes something sends it back. */
  readonly formToken: string;
}

/** Where a cookie is to hold. */
export interface CookieTerms {
  /** False over plain HTTP on this machine: some browsers keep no secure cookie from there. */
  readonly isSecure: boolean;
}

export interface Sessions {
  /** @returns the `Set-Cookie` header of a new session of a key */
  open(keyId: string, terms: CookieTerms): Promise<string>;
  /** @returns null where there is none, it has ended, or we have not signed it */
  read(cookies: string | undefined, terms: CookieTerms): Promise<Session | null>;
  /** @returns the `Set-Cookie` header that ends it in this browser */
  close(terms: CookieTerms): string;
}

/**
 * Sessions as signed tokens (JWT, HS256): every API process with the same secret takes them.
 * @param secret null: a random one, for as long as this process lives
 */
export function createSessions(secret: string | null, now: () => Date): Sessions {
  const key = secret === null ? randomBytes(32) : Buffer.from(secret);
  const formTokenOf = (sessionId: string) =>
    createHmac('sha256', key).update(`form:${sessionId}`).digest('base64url');
  const cookie = (value: string, maxAge: number, { isSecure }: CookieTerms) =>
    stringifySetCookie({
      name: cookieName(isSecure),
      value,
      maxAge,
      path: '/',
      httpOnly: true,
      secure: isSecure,
      sameSite: 'strict',
    });
  return {
    async open(keyId, terms) {
      const nowSeconds = Math.floor(now().getTime() / 1000);
      const token = await new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(keyId)
        .setJti(randomUUID())
        .setIssuedAt(nowSeconds)
        .setExpirationTime(nowSeconds + SESSION_SECONDS)
        .sign(key);
      return cookie(token, SESSION_SECONDS, terms);
    },
    async read(cookies, { isSecure }) {
      const token = parseCookie(cookies ?? '')[cookieName(isSecure)];
      if (token === undefined) return null;
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['HS256'],
          currentDate: now(),
          requiredClaims: ['exp'],
        });
        const { sub, jti } = claims.parse(payload);
        return { keyId: sub, formToken: formTokenOf(jti) };
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return null;
        throw error;
      }
    },
    close: (terms) => cookie('', 0, terms),
  };
}

/** The prefix has browsers refuse it from anywhere but this very host, over HTTPS. */
function cookieName(isSecure: boolean): string {
  return isSecure ? '__Host-arcadia_session' : 'arcadia_session';
}

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

/** Who asks for a page, and what their forms have to send back. */
export interface Attendance extends SignedIn {
  readonly session: Session;
}

/**
 * Whose session a request carries. The key is looked up each time: who holds one that was revoked, has
 * expired or has to sign from now on is signed out.
 * @returns null where nobody is signed in
 */
export async function findSignedIn(
  request: Request,
  sessions: Sessions,
  { db, now }: Pick<ApiDeps, 'db' | 'now'>,
): Promise<Attendance | null> {
  const session = await sessions.read(request.headers.cookie, cookieTermsOf(request));
  if (session === null) return null;
  const caller = await findLiveKey(db, session.keyId);
  if (caller === null || isExpired(caller, now()) || mustSign(caller)) return null;
  const { scope, label } = caller;
  if (scope !== 'operator' && scope !== 'tenant') return null;
  return { session, caller, visitor: { label, scope, formToken: session.formToken } };
}
