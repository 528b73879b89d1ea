import type { Request, Response } from 'express';
import { signInPage } from './views/sign-in-html.ts';
import type { Caller } from '../http/authenticate.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { noteCaller, requestIdOf } from '../http/request-log.ts';
import { depsFor } from '../http/serve-routes.ts';
import { HttpProblem } from '../http/problems.ts';
import { mustSign } from '../http/require-signature.ts';
import type { PageGuards } from './mount-pages.ts';
import {
  cookieTermsOf,
  findSignedIn,
  haveSameKey,
  isTooOpen,
  requireSameOrigin,
  visitorOf,
} from './session.ts';
import { keepForm, keptForm, showKeptForm } from './kept-form.ts';
import { page, seeOther, type PageReply, type PageRoute } from './page-definition.ts';
import { FORM_TYPE, foreignForm, isFormOf, readForm } from './sent-form.ts';
import { foreignFormPage } from './views/kept-form-html.ts';
import { FORM_TOKEN } from './views/layout.ts';

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
    signInPage({
      then: asked ?? '',
      kept: '',
      notice,
      mistake: null,
      isTooOpen: isTooOpen(request),
    }),
  );
}

/** Asks a visitor whose session has ended to sign in again, and keeps the form that they sent. */
export async function askToSignInAgain(
  request: Request,
  response: Response,
  { timeouts }: PageGuards,
): Promise<PageReply> {
  if (!request.is(FORM_TYPE)) return seeOther(signInPath(''));
  const form = await readForm(request, response, timeouts.bodyMs);
  const kept = keepForm(form);
  const notice =
    kept === null
      ? 'Your session has ended, so nothing was sent. The form is too large to be kept: sign in and fill it in again.'
      : 'Your session has ended, so nothing was sent. Sign in with the same key to see what you entered, and to send it.';
  const then = kept ? request.originalUrl : '';
  return page(
    signInPage({ then, kept: kept ?? '', notice, mistake: null, isTooOpen: isTooOpen(request) }),
    401,
  );
}

/** Exchanges a key for a session. Shows the form that was kept, if it was made in a session of the same key. */
export async function answerSignIn(
  request: Request,
  response: Response,
  { authenticate, sessions, timeouts }: PageGuards,
  deps: ApiDeps,
  routes: readonly PageRoute[],
): Promise<PageReply> {
  requireSameOrigin(request);
  const form = await readForm(request, response, timeouts.bodyMs);
  const [then, kept] = [form.text('then'), form.text('kept')];
  const refuse = (mistake: string, status: number) =>
    page(signInPage({ then, kept, notice: null, mistake, isTooOpen: isTooOpen(request) }), status);
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
  const { session, setCookie } = await sessions.open(caller.keyId, cookieTermsOf(request));
  const headers = { 'Set-Cookie': setCookie };
  const visitor = kept === '' ? null : await visitorOf(caller, session, deps.db);
  if (visitor === null) return seeOther(startOf(caller, then), headers);
  const [path, typed] = [ownPath(caller, then), keptForm(kept)];
  const isTheirs = haveSameKey(typed.text(FORM_TOKEN), visitor.formToken);
  if (path === null || !isTheirs) return { ...page(foreignFormPage(visitor)), headers };
  const signedIn = { caller, visitor };
  const call = { signedIn, requestId: requestIdOf(request), path, form: typed };
  const shown = await showKeptForm(routes, call, depsFor(caller, deps));
  return { ...shown, headers: { ...shown.headers, ...headers } };
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
  if (session !== null && !isFormOf(session, form)) throw foreignForm();
  return seeOther('/sign-in', { 'Set-Cookie': sessions.close(terms) });
}

/** Returns the path to redirect to: the requested page, if the key may see it, or the start page. */
function startOf(caller: Caller, then: string): string {
  return ownPath(caller, then) ?? START_PAGES[caller.scope === 'operator' ? 'operator' : 'tenant'];
}

/** Returns the path if it is a page that the key may see, otherwise null. */
function ownPath({ scope }: Caller, then: string): string | null {
  const others = scope === 'operator' ? '/tenant' : '/operator';
  const path = localPath(then);
  return path === null || path.startsWith(others) ? null : path;
}

/** Returns the path if it is a page of ours, otherwise null, to prevent redirects to other sites. */
export function localPath(then: string): string | null {
  const HERE = 'http://page.invalid';
  if (!URL.canParse(then, HERE)) return null;
  const { origin, pathname, search } = new URL(then, HERE);
  if (origin !== HERE || !/^\/(?:operator|tenant|quote)(?:\/|$)/.test(pathname)) return null;
  return `${pathname}${search}`;
}
