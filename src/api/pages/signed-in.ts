import type { Request } from 'express';
import { findLiveKey, isExpired } from '../../db/access/api-keys.ts';
import { mustSign } from '../http/require-signature.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { cookieTermsOf } from './origin.ts';
import type { SignedIn } from './page-definition.ts';
import type { Session, Sessions } from './session.ts';

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
