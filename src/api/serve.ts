import type { Request, Response } from 'express';
import { authorize, type Authenticate, type Caller } from './auth.ts';
import type { ApiDeps } from './deps.ts';
import { requestIdOf } from './observe.ts';
import type { RateLimit } from './rate-limit.ts';
import { NO_BODY, readJsonBody } from './read-body.ts';
import { signatureCheck } from './require-signature.ts';
import type { OutgoingReply, Route } from './route.ts';

/** Who is let in, and how often. */
export interface Guards {
  readonly authenticate: Authenticate;
  readonly limitRate: RateLimit;
}

/**
 * From a request to its answer. The key is looked at before the body is read: nobody else makes us
 * parse 2 MiB.
 * @throws HttpProblem; whatever a handler throws
 */
export async function serve(
  route: Route,
  request: Request,
  response: Response,
  deps: ApiDeps,
  { authenticate, limitRate }: Guards,
): Promise<OutgoingReply> {
  let caller: Caller | null = null;
  if (route.scopes) {
    caller = await authenticate(request.headers.authorization);
    authorize(caller, route.scopes);
    if (route.rateLimited) await limitRate(caller, request, response);
  }
  const check = signatureCheck(caller, request.headers, deps);
  let body: unknown;
  if (route.body) body = await readJsonBody(request, response, check);
  else check(NO_BODY);
  const { params, query } = request;
  return route.handle({ params, query, body, caller, requestId: requestIdOf(request) }, deps);
}
