import type { Express } from 'express';
import { HttpProblem } from './problems.ts';

interface MountedRoute {
  readonly method: string;
  /** As in Express. */
  readonly path: string;
}

/**
 * Answers other methods on the paths of routes with 405, and says which they take. To be called when
 * the routes are in Express: what comes first answers.
 */
export function refuseOtherMethods(app: Express, routes: readonly MountedRoute[]): void {
  for (const [path, samePath] of Map.groupBy(routes, (route) => route.path)) {
    const allow = samePath.flatMap(({ method }) =>
      method === 'get' ? ['GET', 'HEAD'] : method.toUpperCase(),
    );
    app.all(path, () => {
      throw new HttpProblem('method-not-allowed', `this path takes ${allow.join(' and ')}`, {
        headers: { Allow: allow.join(', ') },
      });
    });
  }
}
