import type { Request, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { ApiKey } from '../db/api-keys.ts';
import { HttpProblem } from './problems.ts';
import { runMiddleware } from './run-middleware.ts';

const WINDOW_MS = 60_000;

/** @throws HttpProblem `rate-limited` */
export type RateLimit = (caller: ApiKey, request: Request, response: Response) => Promise<void>;

/** Counts requests by key, in this process; tells the caller in RateLimit headers how it stands. */
export function createRateLimit(requestsPerMinute: number): RateLimit {
  const callers = new WeakMap<Request, ApiKey>();
  const middleware = rateLimit({
    windowMs: WINDOW_MS,
    limit: requestsPerMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'key',
    keyGenerator: (request) => callers.get(request)?.keyId ?? '',
    handler: (_request, _response, next) => {
      next(
        new HttpProblem('rate-limited', `at most ${requestsPerMinute} requests a minute and key`),
      );
    },
  });
  return async (caller, request, response) => {
    callers.set(request, caller);
    await runMiddleware(middleware, request, response);
  };
}
