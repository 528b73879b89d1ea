import type { Request, Response, Express } from 'express';
import { scopeToTenant } from '../../db/access/tenant-scope.ts';
import { authorize, type Caller } from './authenticate.ts';
import { type BodyBudget, MAX_BODY_BYTES, bodySize } from './body-limits.ts';
import type { ApiDeps, CallDeps } from './api-deps.ts';
import type { AuthenticateRequest, RateLimit, LimitStrangers } from './rate-limits.ts';
import { noteCaller, requestIdOf } from './request-log.ts';
import { HttpProblem } from './problems.ts';
import { NO_BODY, readJsonBody } from './read-body.ts';
import { readChunks } from './read-chunks.ts';
import { mustSign, signatureCheck } from './require-signature.ts';
import type { IncomingCall, OutgoingReply, Route, StreamContext } from './route-definition.ts';
import { send } from './send.ts';
import { type Timeouts, untilGone } from './client-waits.ts';
import { createStreamBounds } from './stream-bounds.ts';

/** Authentication and limits for requests. */
export interface Guards {
  readonly authenticate: AuthenticateRequest;
  readonly limitRate: RateLimit;
  readonly limitStrangers: LimitStrangers;
  readonly bodies: BodyBudget;
  readonly timeouts: Timeouts;
  /** Aborted when the server shuts down. */
  readonly stopping: AbortSignal;
}

/** Memory to reserve for a stream: chunks, an unfinished line, and the events made from them. */
const STREAM_BYTES = 512 * 1024;
/** For an upload: a group has a megabyte of fields, as text, in maps by name, and as events. */
const UPLOAD_BYTES = 4 * 1024 * 1024;

/**
 * Answers a request. The key is checked before the body is read, so only valid keys can make us parse 2 MiB.
 * @throws HttpProblem; whatever the handler throws
 */
export async function serve(
  route: Route,
  request: Request,
  response: Response,
  deps: ApiDeps,
  guards: Guards,
): Promise<void> {
  const gone = untilGone(response);
  const answer = (caller: Caller | null) =>
    answerCall(route, request, response, gone, caller, deps, guards);
  if (!route.scopes) {
    if (route.rateLimited) await guards.limitStrangers(request, response);
    return answer(null);
  }
  const caller = await guards.authenticate(request, response);
  noteCaller(response, caller);
  authorize(caller, route.scopes);
  if (!route.rateLimited) return answer(caller);
  return guards.limitRate(caller, request, response, () => answer(caller));
}

async function answerCall(
  route: Route,
  request: Request,
  response: Response,
  gone: AbortSignal,
  caller: Caller | null,
  deps: ApiDeps,
  guards: Guards,
): Promise<void> {
  // The connection may have closed during the key lookup and the wait for a turn. Then the body is lost, and
  // the request must not be handled as one without a body.
  gone.throwIfAborted();
  const { params, query } = request;
  const head = { params, query, caller, requestId: requestIdOf(request) };
  const call: ServedCall = { route, request, response, head, gone, deps: depsFor(caller, deps) };
  if (route.upload) {
    const { maxBytes } = route.upload;
    await serveChunks(call, guards, maxBytes, (upload) =>
      route.handle({ ...head, body: undefined, upload }, call.deps),
    );
    return;
  }
  if (route.stream && request.is(route.stream.contentType)) {
    const { handleStream } = route;
    if (!handleStream) throw new Error(`${route.operationId} has no handler for streams`);
    await serveChunks(call, guards, null, (stream) =>
      handleStream({ ...head, ...stream }, call.deps),
    );
    return;
  }
  const check = signatureCheck(caller, request.headers, deps);
  if (!route.body) check(NO_BODY);
  const { maxBodyBytes: maxBytes = MAX_BODY_BYTES } = route;
  const giveBack = route.body
    ? guards.bodies.take(bodySize(request.headers, maxBytes))
    : () => undefined;
  try {
    const { bodyMs: timeoutMs } = guards.timeouts;
    const body = route.body
      ? await readJsonBody(request, response, { timeoutMs, maxBytes, check })
      : undefined;
    const reply = await route.handle({ ...head, body }, call.deps);
    await send(request, response, reply, guards.timeouts);
  } finally {
    giveBack();
  }
}

/** A request whose key was accepted. */
interface ServedCall {
  readonly route: Route;
  readonly request: Request;
  readonly response: Response;
  readonly head: Omit<IncomingCall, 'body'>;
  /** Aborted when the client is gone. */
  readonly gone: AbortSignal;
  readonly deps: CallDeps;
}

/**
 * Answers a request whose handler reads the body while it arrives.
 * @param maxBytes limit for the decompressed body of an upload, which waits for room in memory; null: none, for a stream
 */
async function serveChunks(
  { request, response, head, gone }: ServedCall,
  { bodies, timeouts, stopping }: Guards,
  maxBytes: number | null,
  handle: (stream: StreamContext) => Promise<OutgoingReply>,
): Promise<void> {
  if (head.caller !== null && mustSign(head.caller)) {
    throw new HttpProblem(
      'forbidden',
      'this key must sign its requests, and streams cannot be signed: send batches, or stream with another key',
    );
  }
  const giveBack =
    maxBytes === null
      ? bodies.take(STREAM_BYTES)
      : await bodies.wait(UPLOAD_BYTES, AbortSignal.any([gone, stopping]));
  try {
    const bounds = createStreamBounds(maxBytes);
    const chunks = readChunks(request, { idleMs: timeouts.idleMs, stopping, gone, bounds });
    const stream = { chunks, bounds, requestId: head.requestId, logger: request.log };
    await send(request, response, await handle(stream), timeouts);
  } finally {
    giveBack();
  }
}

/** Returns the dependencies for a caller. With a tenant key, the handler can read only that tenant's rows. */
export function depsFor(caller: Caller | null, deps: ApiDeps): CallDeps {
  const tenantId = caller?.tenantId ?? null;
  return tenantId === null ? deps : { ...deps, db: scopeToTenant(deps.db, tenantId) };
}

/** Adds routes to Express. Other methods on their paths get 405. */
export function mountRoutes(
  app: Express,
  routes: readonly Route[],
  deps: ApiDeps,
  guards: Guards,
): void {
  const mounted = routes.map((route) => ({ route, path: toExpressPath(route.path) }));
  for (const { route, path } of mounted) {
    app[route.method](path, (request, response) => serve(route, request, response, deps, guards));
  }
  refuseOtherMethods(
    app,
    mounted.map(({ route: { method }, path }) => ({ method, path })),
  );
}

function toExpressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

interface MountedRoute {
  readonly method: string;
  /** As in Express. */
  readonly path: string;
}

/**
 * Answers unsupported methods on the paths of routes with 405 and an Allow header. Call it after adding the
 * routes to Express, which uses the first match.
 */
export function refuseOtherMethods(app: Express, routes: readonly MountedRoute[]): void {
  for (const [path, samePath] of Map.groupBy(routes, (route) => route.path)) {
    const allow = samePath.flatMap(({ method }) =>
      method === 'get' ? ['GET', 'HEAD'] : method.toUpperCase(),
    );
    app.all(path, () => {
      throw new HttpProblem('method-not-allowed', `this path supports ${allow.join(' and ')}`, {
        headers: { Allow: allow.join(', ') },
      });
    });
  }
}
