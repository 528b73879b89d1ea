import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { SIGNING_SCOPES } from '../../db/access/signing-secrets.ts';
import { answerHeaders } from '../http/answer-headers.ts';
import { MAX_BODY_BYTES } from '../http/body-limits.ts';
import { withExamples } from './document-examples.ts';
import {
  HttpProblem,
  PROBLEMS,
  problemBody,
  problemSchema,
  problemType,
  type ProblemName,
} from '../http/problems.ts';
import type { Route } from '../http/route-definition.ts';
import { webhookOperations } from './webhook-document.ts';

export type OpenApiDocument = ReturnType<OpenApiGeneratorV31['generateDocument']>;

const SECURITY_SCHEME = 'apiKey';
const EXAMPLE_REQUEST_ID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';

const DESCRIPTION = `Usage in, invoices out.

- **Numbers.** Cents are integers; quantities and exact charges are decimal strings, never JSON
  numbers. Instants are RFC 3339.
- **Errors** are problem details (RFC 9457), \`application/problem+json\`; switch on \`type\`. A path
  that isn't here answers 404 \`not-found\`, another method on one that is 405 \`method-not-allowed\`
  with \`Allow\`.
- **Strict.** Unknown fields and parameters are refused.
- **Limits.** A body has at most 256 KiB, of usage and feeds in bulk 2 MiB, plain or unpacked (gzip,
  deflate). Where an operation says
  429, requests are counted by key and minute (6,000 by default), or by address where it needs no
  key (600 by default); \`RateLimit\` tells what is left. An answer has to be taken within 30 seconds.
- **Sending again** is safe wherever an id comes with the request; \`Retry-After\` says when.
- **Webhooks** are signed as Standard Webhooks says, for which there are libraries. Verify an event before you
  read it: \`webhook-signature\` holds \`v1,\` and the base64 of the HMAC-SHA256 of \`webhook-id\`,
  \`webhook-timestamp\` and the body as it came, joined by full stops; the key is the decoded base64 after
  \`whsec_\`. While a secret is being replaced there are two signatures, separated by a blank. Reject a timestamp
  that is more than five minutes from your clock. Answer 2xx within 10 seconds, and work afterwards: an event may
  come again, always with the same \`webhook-id\`.`;

/** The OpenAPI 3.1 document of the routes: made of the same definitions that serve them. */
export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key, `arc_<scope>_…`. `npm run cli -- keys create` makes one. Its scope (gateway, ' +
      'metering, operator, tenant) decides what it may do; an operation names the scopes it takes. ' +
      'A key of scope gateway or metering may have signing secrets; its requests then have to be ' +
      'signed as Standard Webhooks says, by the headers webhook-id, webhook-timestamp (at most 300 ' +
      'seconds from our clock) and webhook-signature, over the body before any compression.',
  });
  for (const route of routes) registry.registerPath(toOperation(route));
  for (const operation of webhookOperations()) registry.registerWebhook(operation);
  const used = new Set(routes.map(({ tag }) => tag));
  return withExamples(
    new OpenApiGeneratorV31(registry.definitions).generateDocument({
      openapi: '3.1.0',
      info: {
        title: 'arcadia-invoicing',
        version: '1',
        description: DESCRIPTION,
        contact: { name: 'The operators of this installation' },
        license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' },
      },
      servers: [{ url: '/', description: 'This installation' }],
      tags: [...used].map((name) => ({ name, description: TAGS[name] ?? name })),
    }),
  );
}

const OF_KEYS: readonly ProblemName[] = [
  'unauthenticated',
  'forbidden',
  // Too many requests without a valid key.
  'rate-limited',
  'database-unavailable',
];

const OF_BODIES: readonly ProblemName[] = [
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
    ...(scopes?.some((scope) => SIGNING_SCOPES.includes(scope))
      ? (['invalid-signature', 'signatures-unavailable'] as const)
      : []),
    ...(rateLimited ? (['rate-limited'] as const) : []),
    ...(body ? OF_BODIES : []),
    ...(params || query || body ? (['invalid-request'] as const) : []),
    // A URL that can't be decoded, or with a NUL in it.
    'malformed-request',
    'headers-too-large',
    'internal-error',
  ];
  return [...new Set(names)];
}

/** What Express compares with the ETag of an answer. */
const ifNoneMatch = z.object({
  'If-None-Match': z
    .string()
    .optional()
    .describe('The ETag of a copy that is kept; 304 where it is still the same.'),
});

function toOperation(route: Route): RouteConfig {
  const { method, path, operationId, tag, summary, description, scopes } = route;
  const keys = scopes && `Key: ${scopes.join(' or ')}.`;
  const stream = route.stream && `As \`${route.stream.contentType}\`: ${route.stream.description}`;
  const body = toRequestBody(route);
  return {
    method,
    path,
    operationId,
    tags: [tag],
    summary,
    description: [description, stream, keys].filter(Boolean).join('\n\n'),
    // Roles of a bearer key, which OpenAPI 3.1 allows to be named: any of the scopes will do.
    security: scopes ? scopes.map((scope) => ({ [SECURITY_SCHEME]: [scope] })) : [],
    request: {
      ...(route.params && { params: route.params }),
      ...(route.query && { query: route.query }),
      ...(body && { body }),
      ...(hasETag(route) && { headers: ifNoneMatch }),
    },
    responses: { ...problemResponses(route), ...plannedResponses(route) },
    ...(body && { 'x-max-body-bytes': route.maxBodyBytes ?? MAX_BODY_BYTES }),
  };
}

function toRequestBody({ documentedBody, body, bodyExamples, stream }: Route) {
  const schema = documentedBody ?? body;
  if (schema === undefined) return undefined;
  const examples = bodyExamples && toExamples(bodyExamples);
  return {
    required: true,
    content: {
      'application/json': { schema, ...(examples && { examples }) },
      ...(stream && { [stream.contentType]: { schema: stream.line } }),
    },
  };
}

function toExamples(examples: NonNullable<Route['bodyExamples']>) {
  return Object.fromEntries(
    Object.entries(examples).map(([summary, value]) => [toKey(summary), { summary, value }]),
  );
}

/** "A batch" is `a-batch`: keys of components have no blanks. */
function toKey(summary: string): string {
  return summary
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** Whether a route's answer has a validator that a client can ask with again. */
function hasETag({ responses }: Route): boolean {
  return responses[200]?.headers?.ETag !== undefined;
}

function plannedResponses(route: Route): RouteConfig['responses'] {
  const { responses, stream } = route;
  const planned = Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const { description, schema, contentType = 'application/json', example } = response;
      const headers = { ...answerHeaders(route, null), ...response.headers };
      const content = {
        [contentType]: { schema, ...(example !== undefined && { example }) },
        ...(stream && status === '200' && { [stream.contentType]: { schema: stream.answer } }),
      };
      return [status, { description, headers, content }];
    }),
  );
  if (!hasETag(route)) return planned;
  const description = 'Unchanged: If-None-Match names its ETag';
  return { ...planned, 304: { description, headers: answerHeaders(route, null) } };
}

function problemResponses(route: Route): RouteConfig['responses'] {
  const byStatus = Map.groupBy(problemsOf(route), (name) => PROBLEMS[name].status);
  return Object.fromEntries(
    [...byStatus].map(([status, [first, ...others]]) => {
      const names = [first, ...others].filter((name) => name !== undefined);
      return [
        status,
        {
          description: names
            .map((name) => `\`${problemType(name)}\`: ${PROBLEMS[name].title}`)
            .join('\n\n'),
          headers: answerHeaders(route, first ?? null),
          content: {
            'application/problem+json': {
              schema: problemSchema,
              examples: Object.fromEntries(names.map((name) => [name, problemExample(name)])),
            },
          },
        },
      ];
    }),
  );
}

function problemExample(name: ProblemName) {
  const { title, example } = PROBLEMS[name];
  return { summary: title, value: problemBody(new HttpProblem(name, example), EXAMPLE_REQUEST_ID) };
}

/** What the groups of operations are for; a group that isn't here is its name. */
export const TAGS: Readonly<Record<string, string>> = {
  Usage: 'Usage into the ledger, from the gateway and the metering pipeline; and out of billing.',
  Prices: 'What a plan would cost, by the same quote as the month end.',
  Invoices: 'Invoices, their lines, and the usage behind them.',
  'Month end': 'Closing a month, and looking at how it went.',
  Catalogue: 'Plans, their versions, and addons.',
  Subscriptions: 'Tenants, deployments, and what they are subscribed to.',
  Webhooks: 'Receivers of events, what was sent to them, and sending it again.',
  Keys: 'API keys, and the secrets that requests are signed with.',
  Audit: 'Who did what.',
  System: 'For probes, scrapers and readers.',
};
