import type { Request, Response } from 'express';
import { rateLimit, ipKeyGenerator, type RateLimitInfo } from 'express-rate-limit';
import type { ApiKey } from '../../db/access/api-keys.ts';
import { createFairQueue } from '../../lib/fair-queue.ts';
import { OverloadedError } from '../../lib/group-commit.ts';
import { HttpProblem } from './problems.ts';
import { runMiddleware } from './run-middleware.ts';
import type { Authenticate, Caller } from './authenticate.ts';

const WINDOW_MS = 60_000;
/** Requests of one owner that are worked on at once: fewer than the database has connections for us. */
export const MAX_AT_WORK = 4;
/** Of one owner, beyond those. */
export const MAX_WAITING = 100;

/**
 * Does the work of a request when it is its turn.
 * @throws HttpProblem `rate-limited`; what the work throws
 */
export type RateLimit = <T>(
  caller: ApiKey,
  request: Request,
  response: Response,
  work: () => Promise<T>,
) => Promise<T>;

/** Who shares what is bounded by owner: all keys of a tenant, else the key. */
export function ownerOf({ tenantId, keyId }: ApiKey): string {
  return tenantId === null ? `key:${keyId}` : `tenant:${tenantId}`;
}

/**
 * Counts requests by key, in this process; tells the caller in RateLimit headers how it stands. Of one
 * owner a few are worked on at once, until they are answered, and the others wait: within its rate a
 * tenant could otherwise send so much that is costly at once that everybody else waits for it.
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
        new HttpProblem('rate-limited', `at most ${requestsPerMinute} requests a minute and key`),
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
    // The client may have gone while its request waited, and its end be no event any more.
    if (response.closed) {
      leave();
      throw tooManyAtOnce();
    }
    const closed = new Promise((resolve) => response.once('close', resolve));
    const worked = work();
    // A client that goes leaves its work behind: the turn lasts until both are over.
    void Promise.allSettled([worked, closed]).then(leave);
    return worked;
  };
}

function tooManyAtOnce(): HttpProblem {
  return new HttpProblem('rate-limited', `more than ${MAX_WAITING} requests wait already`, {
    headers: { 'Retry-After': '1' },
  });
}

/** @throws HttpProblem `rate-limited` */
export type LimitStrangers = (request: Request, response: Response) => Promise<void>;

/**
 * Counts requests for what nobody needs a key for by address, in this process; IPv6 addresses by their
 * network. It stands before the public documents and before paths that don't exist, and nowhere else:
 * probes have to be answered, and strangers who share an operator's address, as all do behind a proxy
 * that isn't trusted, must not keep the operator from signing in.
 */
export function createStrangerRate(requestsPerMinute: number): LimitStrangers {
  const middleware = rateLimit({
    windowMs: WINDOW_MS,
    limit: requestsPerMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'address',
    // Without an address the connection is gone.
    keyGenerator: ({ ip }) => (ip === undefined ? '' : ipKeyGenerator(ip)),
    handler: (_request, _response, next) => {
      next(
        new HttpProblem(
          'rate-limited',
          `at most ${requestsPerMinute} requests a minute and address without a key`,
        ),
      );
    },
  });
  return (request, response) => runMiddleware(middleware, request, response);
}

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
