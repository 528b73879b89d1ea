import type { Request, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { ApiKey } from '../../db/access/api-keys.ts';
import { createFairQueue } from '../../lib/fair-queue.ts';
import { OverloadedError } from '../../lib/group-commit.ts';
import { HttpProblem } from './problems.ts';
import { runMiddleware } from './run-middleware.ts';

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
