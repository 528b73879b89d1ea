import type { Request, Response } from 'express';
import { scopeToTenant } from '../db/tenant-scope.ts';
import { authorize, type Caller } from './auth.ts';
import type { BodyBudget } from './body-budget.ts';
import { bodySize } from './body-size.ts';
import type { ApiDeps, CallDeps } from './deps.ts';
import type { AuthenticateRequest } from './failed-auths.ts';
import { noteCaller, requestIdOf } from './observe.ts';
import { HttpProblem } from './problems.ts';
import type { RateLimit } from './rate-limit.ts';
import { NO_BODY, readJsonBody } from './read-body.ts';
import { readChunks } from './read-chunks.ts';
import { mustSign, signatureCheck } from './require-signature.ts';
import type { IncomingCall, OutgoingReply, Route } from './route-definition.ts';
import type { Timeouts } from './timeouts.ts';

/** Who is let in, how often, with how much, and for how long. */
export interface Guards {
  readonly authenticate: AuthenticateRequest;
  readonly limitRate: RateLimit;
  readonly bodies: BodyBudget;
  readonly timeouts: Timeouts;
  /** The server is shutting down. */
  readonly stopping: AbortSignal;
}

/** What a stream may hold: chunks, a line that has begun, and what is made of them. */
const STREAM_BYTES = 512 * 1024;

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
  guards: Guards,
): Promise<OutgoingReply> {
  let caller: Caller | null = null;
  if (route.scopes) {
    caller = await guards.authenticate(request, response);
    noteCaller(response, caller);
    authorize(caller, route.scopes);
    if (route.rateLimited) await guards.limitRate(caller, request, response);
  }
  const { params, query } = request;
  const head = { params, query, caller, requestId: requestIdOf(request) };
  const callDeps = depsFor(caller, deps);
  if (route.stream && request.is(route.stream.contentType)) {
    return serveStream(route, request, response, head, callDeps, guards);
  }
  const check = signatureCheck(caller, request.headers, deps);
  if (!route.body) {
    check(NO_BODY);
    return route.handle({ ...head, body: undefined }, callDeps);
  }
  const giveBack = guards.bodies.take(bodySize(request.headers));
  try {
    const { bodyMs: timeoutMs } = guards.timeouts;
    const body = await readJsonBody(request, response, { timeoutMs, check });
    return await route.handle({ ...head, body }, callDeps);
  } finally {
    giveBack();
  }
}

function serveStream(
  route: Route,
  request: Request,
  response: Response,
  head: Omit<IncomingCall, 'body'>,
  deps: CallDeps,
  { bodies, timeouts: { idleMs }, stopping }: Guards,
): Promise<OutgoingReply> {
  if (!route.handleStream) throw new Error(`${route.operationId} has no handler for streams`);
  if (head.caller !== null && mustSign(head.caller)) {
    throw new HttpProblem(
      'forbidden',
      'this key has to sign, and a signature covers a whole body: send batches, or stream with another key',
    );
  }
  response.once('close', bodies.take(STREAM_BYTES));
  const chunks = readChunks(request, { idleMs, stopping });
  return route.handleStream({ ...head, chunks, logger: request.log }, deps);
}

/** The tenant comes from the key alone: whatever a handler asks for, it gets that tenant's rows. */
export function depsFor(caller: Caller | null, deps: ApiDeps): CallDeps {
  const tenantId = caller?.tenantId ?? null;
  return tenantId === null ? deps : { ...deps, db: scopeToTenant(deps.db, tenantId) };
}
