import { pipeline } from 'node:stream/promises';
import type { Express, Response } from 'express';
import type { ApiDeps } from './deps.ts';
import { HttpProblem } from './problems.ts';
import type { OutgoingReply, Route } from './route.ts';
import { serve, type Guards } from './serve.ts';

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
      const allow = samePath.flatMap(({ method }) =>
        method === 'get' ? ['GET', 'HEAD'] : method.toUpperCase(),
      );
      throw new HttpProblem('method-not-allowed', `this path takes ${allow.join(' and ')}`, {
        headers: { Allow: allow.join(', ') },
      });
    });
  }
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
