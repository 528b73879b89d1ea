import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { parseCookie, stringifySetCookie } from 'cookie';
import { SignJWT, errors, jwtVerify } from 'jose';
import { z } from 'zod';

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
