import { z } from 'zod';
import { docsPage } from '../docs-page.ts';
import { openApiDocument, type OpenApiDocument } from '../openapi.ts';
import type { Route } from '../route-definition.ts';
import { defineRoute, reply } from '../route.ts';

/** The routes that describe all routes, themselves included. */
export function documentationRoutes(routes: readonly Route[]): readonly Route[] {
  // Made at the first request: a worker that never serves it needn't.
  const document: () => OpenApiDocument = lazily(() =>
    openApiDocument([...routes, getOpenApi, getDocs]),
  );
  const page = lazily(() => docsPage(document()));

  const getOpenApi: Route = defineRoute(
    {
      method: 'get',
      path: '/openapi.json',
      operationId: 'getOpenApi',
      tag: 'System',
      summary: 'This API as an OpenAPI document',
      scopes: null,
      rateLimited: false,
      responses: {
        200: {
          description: 'OpenAPI 3.1',
          schema: z.looseObject({ openapi: z.string(), paths: z.looseObject({}) }),
        },
      },
    },
    () => Promise.resolve(reply(200, { ...document(), paths: document().paths ?? {} })),
  );
  const getDocs: Route = defineRoute(
    {
      method: 'get',
      path: '/docs',
      operationId: 'getDocs',
      tag: 'System',
      summary: 'This API as a page to read',
      scopes: null,
      rateLimited: false,
      responses: {
        200: {
          description: 'HTML',
          schema: z.string(),
          contentType: 'text/html; charset=utf-8',
          example: '<!doctype html>',
        },
      },
    },
    () => Promise.resolve(reply(200, page())),
  );
  return [getOpenApi, getDocs];
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
