import type { Express } from 'express';
import type { ApiDeps } from './deps.ts';
import { HttpProblem } from './problems.ts';
import type { Route } from './route-definition.ts';
import { send } from './send.ts';
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
      const reply = await serve(route, request, response, deps, guards);
      await send(request, response, reply, guards.timeouts);
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

function toExpressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
