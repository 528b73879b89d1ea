import { isUtf8 } from 'node:buffer';
import { pipeline } from 'node:stream/promises';
import express, { type Express, type Request, type Response } from 'express';
import type { ApiKey } from '../db/api-keys.ts';
import { authorize, type Authenticate } from './auth.ts';
import type { ApiDeps } from './deps.ts';
import { HttpProblem } from './problems.ts';
import type { RateLimit } from './rate-limit.ts';
import type { OutgoingReply, Route } from './route.ts';
import { runMiddleware } from './run-middleware.ts';

/** Room for 1,000 events of 2,000 characters. */
const BODY_LIMIT = '2mb';

const parseJson = express.json({
  limit: BODY_LIMIT,
  strict: false,
  type: 'application/json',
  // Decoding would put the same sign in place of whatever isn't UTF-8, and two ids
  // that differ there would be one.
  verify: (_request, _response, body, encoding) => {
    if (encoding !== 'utf-8') {
      throw new HttpProblem('unsupported-media-type', `send JSON in UTF-8, not in ${encoding}`);
    }
    if (!isUtf8(body)) throw new HttpProblem('malformed-request', 'the body is not UTF-8');
  },
});

export interface Guards {
  readonly authenticate: Authenticate;
  readonly limitRate: RateLimit;
}

/** Puts routes into Express; on their paths other methods are answered with 405. */
export function mountRoutes(
  app: Express,
  routes: readonly Route[],
  deps: ApiDeps,
  guards: Guards,
): void {
  for (const route of routes) {
    app[route.method](toExpressPath(route.path), async (request, response) => {
      await send(response, await serve(route, request, response, deps, guards));
    });
  }
  const methods = Map.groupBy(routes, ({ path }) => path);
  for (const [path, samePath] of methods) {
    app.all(toExpressPath(path), () => {
      const allow = samePath.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : 'POST'));
      throw new HttpProblem('method-not-allowed', `this path takes ${allow.join(' and ')}`, {
        headers: { Allow: allow.join(', ') },
      });
    });
  }
}

/** The key is looked at before the body is read: nobody else makes us parse 2 MiB. */
async function serve(
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
  if (route.body) await readBody(request, response);
  return route.handle(
    { params: request.params, query: request.query, body: request.body, caller },
    deps,
  );
}

async function readBody(request: Request, response: Response): Promise<void> {
  // Null: there is no body; that is for the schema to say.
  if (request.is('application/json') === false) {
    throw new HttpProblem('unsupported-media-type', 'send Content-Type: application/json');
  }
  await runMiddleware(parseJson, request, response);
}

async function send(
  response: Response,
  { status, contentType, body }: OutgoingReply,
): Promise<void> {
  response.status(status).set({ 'Cache-Control': 'no-store', 'Content-Type': contentType });
  if (isStream(body)) await pipeline(body, response);
  else response.send(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Too much for one text: it is sent as it comes. */
function isStream(body: unknown): body is AsyncIterable<string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

function toExpressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
