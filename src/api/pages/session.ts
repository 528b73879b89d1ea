import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { parseCookie, stringifySetCookie } from 'cookie';
import { SignJWT, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Request } from 'express';
import { HttpProblem } from '../http/problems.ts';
import { findLiveKey, isExpired } from '../../db/access/api-keys.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { mustSign } from '../http/require-signature.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import type { Caller } from '../http/authenticate.ts';
import type { SignedIn } from './page-definition.ts';
import type { Visitor } from './views/layout.ts';

/** Lifetime of a session from sign-in. Activity does not extend it. */
export const SESSION_SECONDS = 8 * 60 * 60;

const claims = z.object({ sub: z.uuid(), jti: z.uuid() });

/** The content of a browser's signed cookie. It identifies the key without containing it. */
export interface Session {
  readonly keyId: string;
  /** Forms that change something must send it back. It is different for each session. */
  readonly formToken: string;
}

/** Whether two form tokens belong to sessions of the same key. */
export function haveSameKey(formToken: string, other: string): boolean {
  return formToken.split('.', 1)[0] === other.split('.', 1)[0];
}

/** Attributes that depend on the connection. */
export interface CookieTerms {
  /** False over plain HTTP on localhost, where some browsers reject secure cookies. */
  readonly isSecure: boolean;
}

export interface NewSession {
  readonly session: Session;
  /** The `Set-Cookie` header that keeps it in the browser. */
  readonly setCookie: string;
}

export interface Sessions {
  /** Opens a session for a key. */
  open(keyId: string, terms: CookieTerms): Promise<NewSession>;
  /** Returns the session; null if there is none, it has expired, or its signature is not ours. */
  read(cookies: string | undefined, terms: CookieTerms): Promise<Session | null>;
  /** Returns the `Set-Cookie` header that ends the session in this browser. */
  close(terms: CookieTerms): string;
}

/**
 * Makes sessions as signed tokens (JWT, HS256). Every API process with the same secret accepts them.
 * @param secret null for a random one, which lasts as long as this process
 */
export function createSessions(secret: string | null, now: () => Date): Sessions {
  const key = secret === null ? randomBytes(32) : Buffer.from(secret);
  const digest = (text: string) => createHmac('sha256', key).update(text).digest('base64url');
  const formTokenOf = (keyId: string, sessionId: string) =>
    `${digest(`key:${keyId}`)}.${digest(`form:${sessionId}`)}`;
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
      const sessionId = randomUUID();
      const token = await new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(keyId)
        .setJti(sessionId)
        .setIssuedAt(nowSeconds)
        .setExpirationTime(nowSeconds + SESSION_SECONDS)
        .sign(key);
      return {
        session: { keyId, formToken: formTokenOf(keyId, sessionId) },
        setCookie: cookie(token, SESSION_SECONDS, terms),
      };
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
        return { keyId: sub, formToken: formTokenOf(sub, jti) };
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return null;
        throw error;
      }
    },
    close: (terms) => cookie('', 0, terms),
  };
}

/** With the prefix, browsers accept the cookie only from this exact host, over HTTPS. */
function cookieName(isSecure: boolean): string {
  return isSecure ? '__Host-arcadia_session' : 'arcadia_session';
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/** Returns the cookie attributes for a request: without `Secure` only over plain HTTP on localhost. */
export function cookieTermsOf(request: Request): CookieTerms {
  return { isSecure: request.secure || !LOOPBACK.test(request.headers.host ?? '') };
}

/** Whether the browser will reject our cookie: over plain HTTP, except on localhost. */
export function isTooOpen(request: Request): boolean {
  return !request.secure && cookieTermsOf(request).isSecure;
}

/**
 * Rejects forms that another site's page sent. Newer browsers send `Sec-Fetch-Site` (over HTTPS and on
 * localhost), and all browsers send `Origin`. A request with neither does not come from a browser.
 * @throws HttpProblem `forbidden`
 */
export function requireSameOrigin({ headers }: Pick<Request, 'headers'>): void {
  const { 'sec-fetch-site': site, origin, host } = headers;
  const isOurs = site === undefined ? originHost(origin) === host : site === 'same-origin';
  if (isOurs && (origin === undefined || originHost(origin) === host)) return;
  throw new HttpProblem('forbidden', 'this form was not sent from a page of this site');
}

/** Ignores the scheme, because a proxy may terminate HTTPS. */
function originHost(origin: string | undefined): string | null {
  return origin !== undefined && URL.canParse(origin) ? new URL(origin).host : null;
}

/** The signed-in visitor with the session. */
export interface Attendance extends SignedIn {
  readonly session: Session;
}

const attendances = new WeakMap<Request, Promise<Attendance | null>>();

/**
 * Returns the signed-in visitor of a request. The key is looked up once for each request, so revoking or expiring it, or
 * requiring it to sign, ends the session.
 * @returns null without a valid session
 */
export function findSignedIn(
  request: Request,
  sessions: Sessions,
  deps: Pick<ApiDeps, 'db' | 'now'>,
): Promise<Attendance | null> {
  const found = attendances.get(request) ?? lookUp(request, sessions, deps);
  attendances.set(request, found);
  return found;
}

async function lookUp(
  request: Request,
  sessions: Sessions,
  { db, now }: Pick<ApiDeps, 'db' | 'now'>,
): Promise<Attendance | null> {
  const session = await sessions.read(request.headers.cookie, cookieTermsOf(request));
  if (session === null) return null;
  const caller = await findLiveKey(db, session.keyId);
  if (caller === null || isExpired(caller, now()) || mustSign(caller)) return null;
  const visitor = await visitorOf(caller, session, db);
  return visitor && { session, caller, visitor };
}

/** Returns the visitor of a session; null if keys of its scope can't open pages. */
export async function visitorOf(
  { scope, label }: Caller,
  { formToken }: Session,
  db: ApiDeps['db'],
): Promise<Visitor | null> {
  if (scope !== 'operator' && scope !== 'tenant') return null;
  const { timeZone } = await loadCalendar(db);
  return { label, scope, timeZone, formToken };
}

/** Returns the visitor that an error page is for; null if they aren't signed in, or the database doesn't answer. */
export async function findVisitor(
  request: Request,
  sessions: Sessions,
  deps: Pick<ApiDeps, 'db' | 'now'>,
): Promise<Visitor | null> {
  try {
    const attendance = await findSignedIn(request, sessions, deps);
    return attendance === null ? null : attendance.visitor;
  } catch {
    // An error page must not fail in turn: it says the same without the visitor's navigation.
    return null;
  }
}
