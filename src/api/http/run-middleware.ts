import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** Runs a middleware up to its `next`. */
export function runMiddleware(
  middleware: RequestHandler,
  request: Request,
  response: Response,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const next: NextFunction = (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('refused', { cause: error }));
    };
    Promise.resolve(middleware(request, response, next)).catch(reject);
  });
}
