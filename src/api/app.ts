import express, { type ErrorRequestHandler, type Express } from 'express';
import helmet from 'helmet';
import { contentPolicy } from '../lib/content-policy.ts';
import { mountAssets } from './http/assets.ts';
import { createAuthenticator, createKeyUse } from './http/authenticate.ts';
import { createBodyBudget } from './http/body-limits.ts';
import type { ApiDeps } from './http/api-deps.ts';
import { limitFailedAuths, createRateLimit, createStrangerRate } from './http/rate-limits.ts';
import { limitHeaders, refuseNulInUrl, noteUntrustedProxies } from './http/request-head.ts';
import { mountRoutes } from './http/serve-routes.ts';
import { countRequests, logRequests, requestIdOf } from './http/request-log.ts';
import { HttpProblem, PROBLEMS, problemBody } from './http/problems.ts';
import { mountPages, type PageGuards } from './pages/mount-pages.ts';
import { problemPage, wantsPage } from './pages/problem-page.ts';
import { createSessions, findVisitor, type Sessions } from './pages/session.ts';
import { DOCS_ASSETS } from './openapi/docs-page.ts';
import { documentationRoutes } from './openapi/documentation.ts';
import { ROUTES } from './routes/all-routes.ts';
import { RETRY_AFTER_SECONDS } from './http/send.ts';
import { DEFAULT_TIMEOUTS } from './http/client-waits.ts';
import { toLoggedProblem } from './http/to-problem.ts';

/** Returns the API and the pages as an Express application. */
export function createApp(deps: ApiDeps): Express {
  const { db, logger, metrics, config, now } = deps;
  const app = express();
  app.set('trust proxy', config.trustedProxies);
  app.set('etag', false);
  if (deps.traceRequests) app.use(deps.traceRequests);
  app.use(logRequests(logger), countRequests(metrics));
  app.use(helmet({ contentSecurityPolicy: false }), (_request, response, next) => {
    // API responses load nothing. Pages and /docs set their own policy.
    response.setHeader('Content-Security-Policy', contentPolicy());
    next();
  });
  app.use(limitHeaders, refuseNulInUrl, noteUntrustedProxies(deps, config.trustedProxies));
  const guards: PageGuards = {
    authenticate: limitFailedAuths(
      createAuthenticator(db, now, createKeyUse(db, logger, now)),
      config.failedAuthsPerMinute,
    ),
    limitRate: createRateLimit(config.requestsPerMinute),
    limitStrangers: createStrangerRate(config.strangerRequestsPerMinute),
    bodies: createBodyBudget(config.maxBodyBytesInFlight),
    timeouts: { ...DEFAULT_TIMEOUTS, ...deps.timeouts },
    stopping: deps.stopping ?? new AbortController().signal,
    sessions: createSessions(config.sessionSecret, now),
  };
  if (config.sessionSecret === null) {
    logger.warn(
      'SESSION_SECRET is not set: restarting this process signs everyone out of the pages',
    );
  }
  mountRoutes(app, [...ROUTES, ...documentationRoutes(ROUTES)], deps, guards);
  mountAssets(app, DOCS_ASSETS);
  mountPages(app, deps, guards);
  app.use(async (request, response) => {
    await guards.limitStrangers(request, response);
    throw new HttpProblem(
      'not-found',
      wantsPage(request)
        ? 'there is no page at this address'
        : 'this path does not exist; see /docs',
    );
  });
  app.use(answerProblems(guards.sessions, deps));
  return app;
}

/** Answers what was thrown: people get a page, and programs get problem details. */
function answerProblems(sessions: Sessions, deps: ApiDeps): ErrorRequestHandler {
  return async (error: unknown, request, response, next) => {
    const problem = toLoggedProblem(error, request.log);
    const { status } = PROBLEMS[problem.problem];
    if (response.headersSent) {
      // Part of the response was sent already, so the connection has to be closed.
      next(error);
      return;
    }
    response.status(status).set({
      'Cache-Control': 'no-store',
      ...(status === 503 && { 'Retry-After': RETRY_AFTER_SECONDS }),
      ...problem.headers,
    });
    if (wantsPage(request)) {
      const failed = {
        visitor: await findVisitor(request, sessions, deps),
        isForm: request.method === 'POST',
        requestId: requestIdOf(request),
        retryAfterSeconds: response.get('Retry-After') ?? null,
      };
      response.type('html').send(problemPage(problem, failed));
      return;
    }
    response
      .set('Content-Type', 'application/problem+json; charset=utf-8')
      .send(JSON.stringify(problemBody(problem, requestIdOf(request))));
  };
}
