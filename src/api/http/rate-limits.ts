import type { Request, Response } from 'express';
import { rateLimit, ipKeyGenerator, type RateLimitInfo } from 'express-rate-limit';
import type { ApiKey } from '../../db/access/api-keys.ts';
import { createFairQueue } from '../../lib/fair-queue.ts';
import { OverloadedError } from '../../lib/group-commit.ts';
import { HttpProblem } from './problems.ts';
import { runMiddleware } from './run-middleware.ts';
import type { Authenticate, Caller } from './authenticate.ts';

const WINDOW_MS = 60_000;
/** Concurrent requests per owner: fewer than the process has database connections. */
export const MAX_AT_WORK = 4;
/** Requests per owner that may wait for their turn. */
export const MAX_WAITING = 100;

/**
 * Counts a request, and does its work when its turn comes.
 * @throws HttpProblem `rate-limited`; what the work throws
 */
export type RateLimit = <T>(
  caller: ApiKey,
  request: Request,
  response: Response,
  work: () => Promise<T>,
) => Promise<T>;

/** Returns who shares the limits per owner: all keys of a tenant, or a single key without a tenant. */
export function ownerOf({ tenantId, keyId }: ApiKey): string {
  return tenantId === null ? `key:${keyId}` : `tenant:${tenantId}`;
}

/**
 * Limits requests per minute and key, in this process, and reports the state in RateLimit headers. It also
 * limits how many requests of one owner run at once; the others wait. Otherwise a tenant could stay within its
 * rate and still send so many costly requests at once that all others wait.
 */
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
        new HttpProblem(
          'rate-limited',
          `more than ${requestsPerMinute} requests per minute with this key`,
        ),
      );
    },
  });
  const atWork = createFairQueue({
    maxConcurrent: Number.POSITIVE_INFINITY,
    maxConcurrentPerOwner: MAX_AT_WORK,
    maxWaitingPerOwner: MAX_WAITING,
  });

  async function enter(owner: string): Promise<() => void> {
    try {
      return await atWork.enter(owner);
    } catch (error) {
      if (!(error instanceof OverloadedError)) throw error;
      throw tooManyAtOnce();
    }
  }

  return async (caller, request, response, work) => {
    callers.set(request, caller);
    await runMiddleware(middleware, request, response);
    const leave = await enter(ownerOf(caller));
    // The client may have left while its request waited; then no `close` event comes any more.
    if (response.closed) {
      leave();
      throw tooManyAtOnce();
    }
    const closed = new Promise((resolve) => response.once('close', resolve));
    const worked = work();
    // Work continues after its client has left, so the turn lasts until both are done.
    void Promise.allSettled([worked, closed]).then(leave);
    return worked;
  };
}

function tooManyAtOnce(): HttpProblem {
  return new HttpProblem('rate-limited', `more than ${MAX_WAITING} requests are already waiting`, {
    headers: { 'Retry-After': '1' },
  });
}

/** @throws HttpProblem `rate-limited` */
export type LimitStrangers = (request: Request, response: Response) => Promise<void>;

/**
 * Limits requests without a key by address, in this process; IPv6 addresses count by network. It applies
 * only to public documents and unknown paths. Probes must always be answered, and clients that share an
 * operator's address (all of them, behind an untrusted proxy) must not block the operator's sign-in.
 */
export function createStrangerRate(requestsPerMinute: number): LimitStrangers {
  const middleware = rateLimit({
    windowMs: WINDOW_MS,
    limit: requestsPerMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'address',
    // Without an address the connection is already closed.
    keyGenerator: ({ ip }) => (ip === undefined ? '' : ipKeyGenerator(ip)),
    handler: (_request, _response, next) => {
      next(
        new HttpProblem(
          'rate-limited',
          `more than ${requestsPerMinute} requests per minute from this address without a key`,
        ),
      );
    },
  });
  return (request, response) => runMiddleware(middleware, request, response);
}

/**
 * @param authorization by default the request's header; a sign-in form sends the key as a field
 * @throws HttpProblem `unauthenticated`, `rate-limited`
 */
export type AuthenticateRequest = (
  request: Request,
  response: Response,
  authorization?: string,
) => Promise<Caller>;

/**
 * Limits failed authentications by address; IPv6 addresses count by network. The key is checked first, so a
 * valid key works whatever others did from the same address: behind an untrusted proxy many clients share one.
 * The key lookup itself bounds what failures cost the database.
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
    // Without an address the connection is already closed.
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
