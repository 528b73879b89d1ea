import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi';
import type { z } from 'zod';
import { PROBLEMS, problemSchema, problemType, type ProblemName } from './problems.ts';
import type { Route, StreamDefinition } from './route.ts';

export type OpenApiDocument = ReturnType<OpenApiGeneratorV31['generateDocument']>;

const SECURITY_SCHEME = 'apiKey';

/** The OpenAPI 3.1 document of the routes: made of the same definitions that serve them. */
export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, `arc_<scope>_…`. `npm run cli -- keys create` makes one.',
  });
  for (const route of routes) registry.registerPath(toOperation(route));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'arcadia-invoicing',
      version: '1',
      description:
        'Usage in, invoices out. Cents are integers; quantities and exact charges are decimal ' +
        'strings; instants are RFC 3339; errors are problem details (RFC 9457).',
    },
    servers: [{ url: '/' }],
  });
}

const OF_KEYS: readonly ProblemName[] = [
  'unauthenticated',
  'forbidden',
  // Too many requests without a valid key.
  'rate-limited',
  'database-unavailable',
];

const OF_BODIES: readonly ProblemName[] = [
  'malformed-request',
  'request-timeout',
  'too-large',
  'unsupported-media-type',
  'overloaded',
];

/** Every problem that a route can answer with. */
export function problemsOf(route: Route): readonly ProblemName[] {
  const { scopes, rateLimited, params, query, body, problems = [] } = route;
  const names: ProblemName[] = [
    ...problems,
    ...(scopes ? OF_KEYS : []),
    ...(rateLimited ? (['rate-limited'] as const) : []),
    ...(body ? OF_BODIES : []),
    ...(params ? (['malformed-request'] as const) : []),
    ...(params || query || body ? (['invalid-request'] as const) : []),
    'headers-too-large',
    'internal-error',
  ];
  return [...new Set(names)];
}

function toOperation(route: Route): RouteConfig {
  const { method, path, operationId, tag, summary, description, scopes } = route;
  const body = route.documentedBody ?? route.body;
  const keys = scopes && `Key: ${scopes.join(' or ')}.`;
  const stream = route.stream && `As \`${route.stream.contentType}\`: ${route.stream.description}`;
  return {
    method,
    path,
    operationId,
    tags: [tag],
    summary,
    description: [description, stream, keys].filter(Boolean).join('\n\n'),
    security: scopes ? [{ [SECURITY_SCHEME]: [] }] : [],
    request: {
      ...(route.params && { params: route.params }),
      ...(route.query && { query: route.query }),
      ...(body && { body: { required: true, content: bodyContent(body, route.stream) } }),
    },
    responses: { ...problemResponses(route), ...plannedResponses(route) },
  };
}

function bodyContent(body: z.ZodType, stream: StreamDefinition | undefined) {
  return {
    'application/json': { schema: body },
    ...(stream && { [stream.contentType]: { schema: stream.line } }),
  };
}

function plannedResponses({ responses, stream }: Route): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema, contentType }]) => [
      status,
      {
        description,
        content: {
          [contentType ?? 'application/json']: { schema },
          ...(stream && status === '200' && { [stream.contentType]: { schema: stream.answer } }),
        },
      },
    ]),
  );
}

function problemResponses(route: Route): RouteConfig['responses'] {
  const byStatus = Map.groupBy(problemsOf(route), (name) => PROBLEMS[name].status);
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [
      status,
      {
        description: names
          .map((name) => `\`${problemType(name)}\`: ${PROBLEMS[name].title}`)
          .join('\n\n'),
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    ]),
  );
}
