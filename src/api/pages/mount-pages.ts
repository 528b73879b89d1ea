import type { Express, Request, Response } from 'express';
import { authorize } from '../http/authenticate.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { noteCaller, requestIdOf } from '../http/request-log.ts';
import { refuseOtherMethods, depsFor, type Guards } from '../http/serve-routes.ts';
import { send } from '../http/send.ts';
import { foreignForm, isFormOf, readForm, toForm } from './sent-form.ts';
import { findSignedIn, haveSameKey, requireSameOrigin, type Sessions } from './session.ts';
import { page, seeOther, type PageReply, type PageRoute } from './page-definition.ts';
import { pagesOnly } from './problem-page.ts';
import {
  answerSignIn,
  answerSignOut,
  askToSignInAgain,
  showSignIn,
  signInPath,
} from './sign-in-pages.ts';
import { mountAssets } from '../http/assets.ts';
import { showKeptForm } from './kept-form.ts';
import { FORM_TOKEN, LIVE_SCRIPT, STYLESHEET } from './views/layout.ts';
import { invoiceComparison } from './comparison-pages.ts';
import { creditInvoice, creditNote } from './credit-pages.ts';
import { excludeOneEvent } from './exclusion-pages.ts';
import { releaseOneInvoice, voidOneInvoice } from './invoice-action-pages.ts';
import { documents, monthInvoices, oneInvoice, oneNote } from './invoice-pages.ts';
import { auditLog, recordedAction } from './audit-pages.ts';
import { acceptTotals, askToAcceptTotals, comparedTotals } from './control-total-pages.ts';
import { addItem, items, withdrawItem } from './item-pages.ts';
import { keys } from './key-pages.ts';
import { lineUsage, noteLineUsage } from './line-usage-pages.ts';
import { books, oneMonth, oneMonthLive, parkedTenants, months } from './month-pages.ts';
import { payInvoice } from './payment-pages.ts';
import { dismissEvents, quarantine, quarantinedEvent, releaseEvents } from './quarantine-pages.ts';
import { oneTenant, oneTenantLive, tenants, tenantSubscriptions } from './operator-tenant-pages.ts';
import { quote } from './quote-page.ts';
import { aging, receivables } from './receivable-pages.ts';
import { release, review } from './release-pages.ts';
import { search } from './search-page.ts';
import { tenantInvoices, tenantNotes, tenantPayments } from './tenant-account-pages.ts';
import { addThreshold, removeThreshold, tenantThresholds } from './tenant-threshold-pages.ts';
import {
  tenantUsage,
  tenantUsageCsv,
  tenantUsageLive,
  tenantUsageStart,
  thisMonth,
} from './tenant-usage-pages.ts';
import { askForReRun, oneRequest, oneRequestLive, reRun } from './re-run-pages.ts';
import { webhookEvent, webhooks } from './webhook-pages.ts';
import { askToReplay, replay } from './webhook-replay-pages.ts';

/** Authentication and limits for pages. */
export interface PageGuards extends Guards {
  readonly sessions: Sessions;
}

/**
 * Adds the pages to Express, with the same limits, request ids and log as the API's routes. People sign in to
 * them; the session cookie gives access to pages only, never to the API.
 */
export function mountPages(app: Express, deps: ApiDeps, guards: PageGuards): void {
  app.use(pagesOnly);
  mountAssets(app, [STYLESHEET, LIVE_SCRIPT]);
  const answer = (make: MakePage) => async (request: Request, response: Response) => {
    const reply = await make(request, response);
    await send(request, response, reply, guards.timeouts);
  };
  const routes: readonly MountedPage[] = [
    {
      method: 'get',
      path: '/sign-in',
      make: (request) => showSignIn(request, guards, deps),
    },
    {
      method: 'post',
      path: '/sign-in',
      make: (request, response) => answerSignIn(request, response, guards, deps, PAGES),
    },
    {
      method: 'post',
      path: '/sign-out',
      make: (request, response) => answerSignOut(request, response, guards),
    },
    {
      method: 'get',
      path: '/operator',
      make: () => Promise.resolve(seeOther('/operator/months')),
    },
    ...PAGES.map((route): MountedPage => ({
      method: route.method,
      path: route.path,
      make: (request, response) => servePage(route, request, response, deps, guards),
    })),
  ];
  for (const { method, path, make } of routes) app[method](path, answer(make));
  refuseOtherMethods(app, routes);
}

interface MountedPage {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly make: MakePage;
}
type MakePage = (request: Request, response: Response) => Promise<PageReply>;

/** Authenticates a request and makes its page. @throws HttpProblem; whatever the handler throws */
async function servePage(
  route: PageRoute,
  request: Request,
  response: Response,
  deps: ApiDeps,
  guards: PageGuards,
): Promise<PageReply> {
  const isPost = route.method === 'post';
  if (isPost) requireSameOrigin(request);
  const attendance = await findSignedIn(request, guards.sessions, deps);
  if (attendance === null) {
    return isPost ? askToSignInAgain(request, response, guards) : toSignIn(request);
  }
  const { session, caller, visitor } = attendance;
  noteCaller(response, caller);
  authorize(caller, route.scopes);
  return guards.limitRate(caller, request, response, async () => {
    const query = new URL(request.originalUrl, 'http://page').searchParams;
    const form = isPost
      ? await readForm(request, response, guards.timeouts.bodyMs)
      : toForm(new URLSearchParams());
    const signedIn = { caller, visitor };
    const call = { signedIn, requestId: requestIdOf(request), path: request.originalUrl };
    if (isPost && !isFormOf(session, form)) {
      // Made before this visitor signed in again, for instance in another tab.
      if (!haveSameKey(session.formToken, form.text(FORM_TOKEN))) throw foreignForm();
      return showKeptForm([route], { ...call, form }, depsFor(caller, deps));
    }
    return route.handle({ ...call, params: request.params, query, form }, depsFor(caller, deps));
  });
}

/** Redirects to the sign-in page. A script that refreshes a part of a page gets 401, and reloads the page. */
function toSignIn(request: Request): PageReply {
  if (request.path.endsWith('/live')) {
    return page('', 401);
  }
  return seeOther(signInPath(request.originalUrl));
}

/** Every page that requires a sign-in. */
export const PAGES: readonly PageRoute[] = [
  months,
  oneMonth,
  oneMonthLive,
  parkedTenants,
  books,
  monthInvoices,
  comparedTotals,
  askToAcceptTotals,
  acceptTotals,
  review,
  release,
  askForReRun,
  reRun,
  oneRequest,
  oneRequestLive,
  // Before oneInvoice and oneNote, whose id parameters would match the file extension.
  ...documents,
  ...oneInvoice,
  ...invoiceComparison,
  ...lineUsage,
  ...oneNote,
  ...noteLineUsage,
  ...payInvoice,
  ...voidOneInvoice,
  ...releaseOneInvoice,
  ...creditInvoice,
  ...creditNote,
  ...excludeOneEvent,
  receivables,
  aging,
  items,
  ...addItem,
  ...withdrawItem,
  quarantine,
  quarantinedEvent,
  releaseEvents,
  dismissEvents,
  webhooks,
  webhookEvent,
  askToReplay,
  replay,
  keys,
  auditLog,
  recordedAction,
  quote,
  search,
  tenants,
  oneTenant,
  oneTenantLive,
  tenantSubscriptions,
  // Tenants have these of their own account, and operators of each tenant's.
  ...thisMonth,
  ...tenantInvoices,
  ...tenantNotes,
  ...tenantPayments,
  ...tenantUsageStart,
  // Before tenantUsage, whose parameter would match the file extension.
  ...tenantUsageCsv,
  ...tenantUsage,
  ...tenantUsageLive,
  ...tenantThresholds,
  ...addThreshold,
  ...removeThreshold,
];
