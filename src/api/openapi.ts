import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi';
import { SIGNING_SCOPES } from '../db/signing-secrets.ts';
import { PROBLEMS, problemSchema, problemType, type ProblemName } from './problems.ts';
import type { Route } from './route.ts';

export type OpenApiDocument = ReturnType<OpenApiGeneratorV31['generateDocument']>;

const SECURITY_SCHEME = 'apiKey';

/** The OpenAPI 3.1 document of the routes: made of the same definitions that serve them. */
export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key, `arc_<scope>_…`. `npm run cli -- keys create` makes one. A key of scope gateway ' +
      'or metering may have signing secrets; its requests then have to be signed as Standard ' +
      'Webhooks says, by the headers webhook-id, webhook-timestamp (at most 300 seconds from our ' +
      'clock) and webhook-signature, over the body before any compression.',
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

/** Every problem that a route can answer with. */
export function problemsOf(route: Route): readonly ProblemName[] {
  const { scopes, rateLimited, params, query, body, problems = [] } = route;
  const names: ProblemName[] = [
    ...problems,
    ...(scopes ? (['unauthenticated', 'forbidden', 'database-unavailable'] as const) : []),
    ...(scopes?.some((scope) => SIGNING_SCOPES.includes(scope))
      ? (['invalid-signature', 'signatures-unavailable'] as const)
      : []),
    ...(rateLimited ? (['rate-limited'] as const) : []),
    ...(body ? (['malformed-request', 'too-large', 'unsupported-media-type'] as const) : []),
    ...(params ? (['malformed-request'] as const) : []),
    ...(params || query || body ? (['invalid-request'] as const) : []),
    'internal-error',
  ];
  return [...new Set(names)];
}

function toOperation(route: Route): RouteConfig {
  const { method, path, operationId, tag, summary, description, scopes } = route;
  const body = route.documentedBody ?? route.body;
  const keys = scopes && `Key: ${scopes.join(' or ')}.`;
  return {
    method,
    path,
    operationId,
    tags: [tag],
    summary,
    description: [description, keys].filter(Boolean).join('\n\n'),
    security: scopes ? [{ [SECURITY_SCHEME]: [] }] : [],
    request: {
      ...(route.params && { params: route.params }),
      ...(route.query && { query: route.query }),
      ...(body && { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses: { ...problemResponses(route), ...plannedResponses(route) },
  };
}

function plannedResponses({ responses }: Route): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema, contentType }]) => [
      status,
      { description, content: { [contentType ?? 'application/json']: { schema } } },
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
