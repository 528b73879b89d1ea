import type { Express } from 'express';
import type { ApiDeps } from './deps.ts';
import { refuseOtherMethods } from './other-methods.ts';
import type { Route } from './route-definition.ts';
import { serve, type Guards } from './serve.ts';

/** Puts routes into Express; on their paths other methods are answered with 405. */
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
