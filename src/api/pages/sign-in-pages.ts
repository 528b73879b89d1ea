import type { Request, Response } from 'express';
import { signInPage } from './views/sign-in-html.ts';
import type { Caller } from '../http/authenticate.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { noteCaller } from '../http/request-log.ts';
import { HttpProblem } from '../http/problems.ts';
import { mustSign } from '../http/require-signature.ts';
import type { PageGuards } from './mount-pages.ts';
import { cookieTermsOf, isTooOpen, requireSameOrigin, findSignedIn } from './session.ts';
import { page, seeOther, type PageReply } from './page-definition.ts';
import { readForm, requireFormToken } from './sent-form.ts';

const START_PAGES = { operator: '/operator/months', tenant: '/tenant' } as const;

/** Returns the path of the sign-in page that redirects to a path of ours afterwards. */
export function signInPath(then: string): string {
  return `/sign-in?then=${encodeURIComponent(then)}`;
}

/** Shows the sign-in page; redirects visitors who are already signed in. */
export async function showSignIn(
  request: Request,
  { sessions }: PageGuards,
  deps: ApiDeps,
): Promise<PageReply> {
  const asked = new URL(request.originalUrl, 'http://page').searchParams.get('then');
  const attendance = await findSignedIn(request, sessions, deps);
  // Without `then` the visitor wants to sign in with another key.
  if (attendance !== null && asked !== null) return seeOther(startOf(attendance.caller, asked));
  const notice =
    asked === null || attendance !== null
      ? null
      : 'Sign in to see this page. Sessions last 8 hours.';
  return page(
    signInPage({ then: asked ?? '', notice, mistake: null, isTooOpen: isTooOpen(request) }),
  );
}

/** Exchanges a key for a session. */
export async function answerSignIn(
  request: Request,
  response: Response,
  { authenticate, sessions, timeouts }: PageGuards,
): Promise<PageReply> {
  requireSameOrigin(request);
  const form = await readForm(request, response, timeouts.bodyMs);
  const then = form.text('then');
  const refuse = (mistake: string, status: number) =>
    page(signInPage({ then, notice: null, mistake, isTooOpen: isTooOpen(request) }), status);
  let caller: Caller;
  try {
    caller = await authenticate(request, response, `Bearer ${form.text('key').trim()}`);
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.problem !== 'unauthenticated') throw error;
    return refuse(`${error.message}.`, 401);
  }
  noteCaller(response, caller);
  if (caller.scope !== 'operator' && caller.scope !== 'tenant') {
    return refuse(
      `A ${caller.scope} key cannot open pages: use an operator key or a tenant key.`,
      403,
    );
  }
  if (mustSign(caller)) {
    return refuse(
      'This key must sign each request (Standard Webhooks), which a browser cannot do: use another key.',
      403,
    );
  }
  const cookie = await sessions.open(caller.keyId, cookieTermsOf(request));
  return seeOther(startOf(caller, then), { 'Set-Cookie': cookie });
}

/** Signs this browser out. Without a session there is no form token to check. */
export async function answerSignOut(
  request: Request,
  response: Response,
  { sessions, timeouts }: PageGuards,
): Promise<PageReply> {
  requireSameOrigin(request);
  const terms = cookieTermsOf(request);
  const session = await sessions.read(request.headers.cookie, terms);
  const form = await readForm(request, response, timeouts.bodyMs);
  if (session !== null) requireFormToken(session, form);
  return seeOther('/sign-in', { 'Set-Cookie': sessions.close(terms) });
}

/** Returns the path to redirect to: the requested page, if the key may see it, or the start page. */
function startOf({ scope }: Caller, then: string): string {
  const path = localPath(then);
  const own = scope === 'operator' ? 'operator' : 'tenant';
  const others = own === 'operator' ? '/tenant' : '/operator';
  return path === null || path.startsWith(others) ? START_PAGES[own] : path;
}

/** Returns the path if it is a page of ours, otherwise null, to prevent redirects to other sites. */
export function localPath(then: string): string | null {
  const HERE = 'http://page.invalid';
  if (!URL.canParse(then, HERE)) return null;
  const { origin, pathname, search } = new URL(then, HERE);
  if (origin !== HERE || !/^\/(?:operator|tenant|quote)(?:\/|$)/.test(pathname)) return null;
  return `${pathname}${search}`;
}
