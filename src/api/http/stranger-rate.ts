import type { Request, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { HttpProblem } from './problems.ts';
import { runMiddleware } from './run-middleware.ts';

const WINDOW_MS = 60_000;

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
