import { hash } from 'node:crypto';
import type { Request, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import type { Authenticate, Caller } from './auth.ts';
import { HttpProblem } from './problems.ts';
import { runMiddleware } from './run-middleware.ts';

const WINDOW_MS = 60_000;
const MAX_REMEMBERED = 10_000;

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
 * Bounds how often an address may come without a valid key. Only failures count, and whoever has
 * been let in before is let in again: a gateway behind the same address as somebody with bad keys
 * isn't shut out by them. IPv6 addresses count by their network.
 */
export function limitFailedAuths(
  authenticate: Authenticate,
  failuresPerMinute: number,
): AuthenticateRequest {
  /** Hashes of headers that were good; `authenticate` goes on checking them. */
  const good = new Set<string>();
  const count = rateLimit({
    windowMs: WINDOW_MS,
    limit: failuresPerMinute,
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: addressOf,
    // It only counts; the answer to this request is still the failure itself.
    handler: (_request, _response, next) => {
      next();
    },
  });

  async function refuseAfterMany(request: Request): Promise<void> {
    const seen = await count.getKey(addressOf(request));
    if (seen === undefined || seen.totalHits < failuresPerMinute) return;
    const waitMs = (seen.resetTime?.getTime() ?? Date.now() + WINDOW_MS) - Date.now();
    throw new HttpProblem('rate-limited', 'too many requests without a valid API key', {
      headers: { 'Retry-After': String(Math.max(Math.ceil(waitMs / 1000), 1)) },
    });
  }

  return async (request, response, authorization = request.headers.authorization) => {
    const id = hash('sha256', authorization ?? '', 'base64url');
    if (!good.has(id)) await refuseAfterMany(request);
    try {
      const key = await authenticate(authorization);
      if (good.size >= MAX_REMEMBERED) good.clear();
      good.add(id);
      return key;
    } catch (error) {
      if (error instanceof HttpProblem && error.problem === 'unauthenticated') {
        good.delete(id);
        await runMiddleware(count, request, response);
      }
      throw error;
    }
  };
}

function addressOf({ ip }: Request): string {
  // Without one, the connection is gone.
  return ip === undefined ? '' : ipKeyGenerator(ip);
}
