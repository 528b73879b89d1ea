import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** Runs a middleware. Resolves when it calls `next`, rejects with its error. */
export function runMiddleware(
  middleware: RequestHandler,
  request: Request,
  response: Response,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const next: NextFunction = (error?: unknown) => {
      if (error === undefined) resolve();
      else
        reject(
          error instanceof Error ? error : new Error('rejected by a middleware', { cause: error }),
        );
    };
    Promise.resolve(middleware(request, response, next)).catch(reject);
  });
}
