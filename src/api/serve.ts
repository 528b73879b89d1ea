import type { Request, Response } from 'express';
import type { ApiKey } from '../db/api-keys.ts';
import { scopeToTenant } from '../db/tenant-scope.ts';
import { authorize, type Authenticate } from './auth.ts';
import type { ApiDeps, CallDeps } from './deps.ts';
import type { RateLimit } from './rate-limit.ts';
import { readJsonBody } from './read-body.ts';
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
  let caller: ApiKey | null = null;
  if (route.scopes) {
    caller = await authenticate(request.headers.authorization);
    authorize(caller, route.scopes);
    if (route.rateLimited) await limitRate(caller, request, response);
  }
  const body = route.body ? await readJsonBody(request, response) : undefined;
  return route.handle(
    { params: request.params, query: request.query, body, caller },
    depsFor(caller, deps),
  );
}

/** The tenant comes from the key alone: whatever a handler asks for, it gets that tenant's rows. */
function depsFor(caller: ApiKey | null, deps: ApiDeps): CallDeps {
  const tenantId = caller?.tenantId ?? null;
  return tenantId === null ? deps : { ...deps, db: scopeToTenant(deps.db, tenantId) };
}
