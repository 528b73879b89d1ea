import type { Request, Response } from 'express';
import { ipKeyGenerator, rateLimit, type RateLimitInfo } from 'express-rate-limit';
import type { Authenticate, Caller } from './auth.ts';
import { HttpProblem } from './problems.ts';
import { runMiddleware } from './run-middleware.ts';

const WINDOW_MS = 60_000;

/**
 * @param authorization by default the request's header; a sign-in has its key in a form
 * @throws HttpProblem `unauthenticated`, `rate-limited`
 */
export type AuthenticateRequest = (
  request: Request,
  response: Response,
  authorization?: string,
) => Promise<Caller>;

/**
 * Bounds how many failures an address is told about. The key is checked first, so a valid one is let in
 * whatever others did from the same address: many clients share one behind a proxy that isn't trusted.
 * What failures cost the database is bounded where keys are looked up. IPv6 addresses count by their
 * network.
 */
export function limitFailedAuths(
  authenticate: Authenticate,
  failuresPerMinute: number,
): AuthenticateRequest {
  const countFailure = rateLimit({
    windowMs: WINDOW_MS,
    limit: failuresPerMinute,
    standardHeaders: false,
    legacyHeaders: false,
    // Without an address, the connection is gone.
    keyGenerator: ({ ip }) => (ip === undefined ? '' : ipKeyGenerator(ip)),
    handler: (request, _response, next) => {
      next(tooManyFailures((request as Request & { rateLimit: RateLimitInfo }).rateLimit));
    },
  });
  return async (request, response, authorization = request.headers.authorization) => {
    try {
      return await authenticate(authorization);
    } catch (error) {
      if (error instanceof HttpProblem && error.problem === 'unauthenticated') {
        await runMiddleware(countFailure, request, response);
      }
      throw error;
    }
  };
}

function tooManyFailures({ resetTime }: RateLimitInfo): HttpProblem {
  const waitMs = (resetTime?.getTime() ?? Date.now() + WINDOW_MS) - Date.now();
  return new HttpProblem('rate-limited', 'too many requests without a valid API key', {
    headers: { 'Retry-After': String(Math.max(Math.ceil(waitMs / 1000), 1)) },
  });
}
