import { z } from 'zod';
import { DOCS_CSP, DOCS_PAGE } from './docs-page.ts';
import { openApiDocument, type OpenApiDocument } from './openapi.ts';
import type { Route, RouteDefinition } from '../http/route-definition.ts';
import { JSON_TYPE } from '../http/define-route.ts';
import { SharedDocument } from '../http/shared-document.ts';

/** Returns the routes that serve the documentation of all routes, including their own. */
export function documentationRoutes(routes: readonly Route[]): readonly Route[] {
  const document: () => OpenApiDocument = lazily(() =>
    openApiDocument([...routes, getOpenApi, getDocs]),
  );
  const getOpenApi = publicDocument(
    {
      path: '/openapi.json',
      operationId: 'getOpenApi',
      summary: 'Download the OpenAPI document',
      responses: {
        200: {
          description: 'OpenAPI 3.1',
          schema: z.looseObject({ openapi: z.string(), paths: z.looseObject({}) }),
          headers: HEADERS,
        },
      },
    },
    () => JSON.stringify(document()),
  );
  const getDocs = publicDocument(
    {
      path: '/docs',
      operationId: 'getDocs',
      summary: 'Read the API reference as a page',
      responses: {
        200: {
          description: 'HTML',
          schema: z.string(),
          contentType: 'text/html; charset=utf-8',
          example: '<!doctype html>',
          headers: HEADERS,
        },
      },
    },
    () => DOCS_PAGE,
    { 'Content-Security-Policy': DOCS_CSP },
  );
  return [getOpenApi, getDocs];
}

const HEADERS = {
  ETag: {
    description: 'Identifies the document in this encoding; send it as `If-None-Match` to get 304.',
    required: true,
    schema: { type: 'string' },
    example: '"47DEQpj8HBSa-_TImW-5JC-br"',
  },
} as const;

type DocumentDefinition = Pick<RouteDefinition, 'path' | 'operationId' | 'summary' | 'responses'>;

/**
 * Makes a route for a public document. The document is made at the first request, because workers never serve
 * it, and then stays the same.
 */
function publicDocument(
  definition: DocumentDefinition,
  make: () => string,
  ownHeaders: Readonly<Record<string, string>> = {},
): Route {
  const body = lazily(() => new SharedDocument(make()));
  const contentType = definition.responses[200]?.contentType ?? JSON_TYPE;
  // Caches may store it, but must revalidate it.
  const headers = { 'Cache-Control': 'no-cache', ...ownHeaders };
  return {
    ...definition,
    method: 'get',
    tag: 'System',
    scopes: null,
    rateLimited: true,
    handle: () => Promise.resolve({ status: 200, contentType, body: body(), headers }),
    handleStream: null,
  };
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
