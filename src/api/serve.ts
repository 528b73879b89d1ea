import type { Request, Response } from 'express';
import type { ApiKey } from '../db/api-keys.ts';
import { scopeToTenant } from '../db/tenant-scope.ts';
import { authorize } from './auth.ts';
import type { BodyBudget } from './body-budget.ts';
import { bodySize } from './body-size.ts';
import type { ApiDeps, CallDeps } from './deps.ts';
import type { AuthenticateRequest } from './failed-auths.ts';
import { requestIdOf } from './observe.ts';
import type { RateLimit } from './rate-limit.ts';
import { readJsonBody } from './read-body.ts';
import { readChunks } from './read-chunks.ts';
import type { IncomingCall, OutgoingReply, Route } from './route.ts';
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
  let caller: ApiKey | null = null;
  if (route.scopes) {
    caller = await guards.authenticate(request, response);
    authorize(caller, route.scopes);
    if (route.rateLimited) await guards.limitRate(caller, request, response);
  }
  const head = { params: request.params, query: request.query, caller };
  const callDeps = depsFor(caller, deps);
  if (route.stream && request.is(route.stream.contentType)) {
    return serveStream(route, request, response, head, callDeps, guards);
  }
  if (!route.body) return route.handle({ ...head, body: undefined }, callDeps);
  const giveBack = guards.bodies.take(bodySize(request.headers));
  try {
    const body = await readJsonBody(request, response, guards.timeouts.bodyMs);
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
): OutgoingReply {
  if (!route.handleStream) throw new Error(`${route.operationId} has no handler for streams`);
  // A key that must sign what it sends can't stream, as a signature covers the whole body: this is
  // the place to refuse it.
  response.once('close', bodies.take(STREAM_BYTES));
  const chunks = readChunks(request, { idleMs, stopping });
  const context = { chunks, requestId: requestIdOf(request), logger: request.log };
  return route.handleStream({ ...head, ...context }, deps);
}

/** The tenant comes from the key alone: whatever a handler asks for, it gets that tenant's rows. */
function depsFor(caller: ApiKey | null, deps: ApiDeps): CallDeps {
  const tenantId = caller?.tenantId ?? null;
  return tenantId === null ? deps : { ...deps, db: scopeToTenant(deps.db, tenantId) };
}
