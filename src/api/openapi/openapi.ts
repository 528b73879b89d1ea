import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type RouteConfig,
  type ZodRequestBody,
} from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { answerHeaders } from '../http/answer-headers.ts';
import { MAX_BODY_BYTES } from '../http/body-limits.ts';
import { withExamples } from './document-examples.ts';
import {
  COMMON_PROBLEM,
  COMMON_PROBLEMS_TEXT,
  commonProblemResponse,
  particularProblems,
} from './problem-answers.ts';
import type { Route } from '../http/route-definition.ts';
import { webhookOperations } from './webhook-document.ts';

export type OpenApiDocument = ReturnType<OpenApiGeneratorV31['generateDocument']>;

const SECURITY_SCHEME = 'apiKey';

const DESCRIPTION = `Usage in, invoices out.

- **Numbers.** Cents are integers; quantities and exact charges are decimal strings, never JSON
  numbers. Instants are RFC 3339.
- **Errors** are problem details (RFC 9457), \`application/problem+json\`; switch on \`type\`. An unknown path
  gets 404 \`not-found\`, an unsupported method 405 \`method-not-allowed\` with \`Allow\`.
- **Strict validation.** Unknown fields and parameters are rejected.
- **Limits.** A body can have at most 256 KiB (2 MiB for usage and bulk imports, 64 MiB for LiteLLM), both as sent
  and after decompression (gzip, deflate). Requests other than usage, probes and metrics are limited per minute: 6,000
  per key by default, or 600 per address if they need no key. \`RateLimit\` shows how many are left. Read a response
  within 30 seconds.
- **Retries** are safe for requests that carry an id; \`Retry-After\` says how long to wait.
- **Webhooks** are signed according to Standard Webhooks, for which there are libraries. Verify an event before
  you use it: \`webhook-signature\` holds \`v1,\` and the base64 of the HMAC-SHA256 of \`webhook-id\`,
  \`webhook-timestamp\` and the body exactly as received, joined by full stops; the key is the decoded base64
  after \`whsec_\`. During a secret rotation there are two signatures, separated by a space. Reject timestamps more
  than five minutes from your clock. Respond with 2xx within 10 seconds, before processing the event. An event may
  be delivered more than once, always with the same \`webhook-id\`.

${COMMON_PROBLEMS_TEXT}`;

/** Returns the OpenAPI 3.1 document of the routes, made from the definitions that also serve them. */
export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key, `arc_<scope>_…`; `npm run cli -- keys create` creates one. Its scope (gateway, metering, ' +
      'operator, tenant) decides what it may do; each operation lists the scopes it accepts. A gateway or ' +
      'metering key can have signing secrets. Then its requests must be signed according to Standard ' +
      'Webhooks, with the headers webhook-id, webhook-timestamp (at most 300 seconds from our clock) and ' +
      'webhook-signature, over the uncompressed body.',
  });
  registry.registerComponent('responses', COMMON_PROBLEM, commonProblemResponse());
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

/** Express compares it with the ETag of the response. */
const ifNoneMatch = z.object({
  'If-None-Match': z
    .string()
    .optional()
    .describe('ETag of a cached copy; if it is unchanged, the response is 304.'),
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
    // Any one of the scopes is sufficient. OpenAPI 3.1 allows role names for bearer keys.
    security: scopes ? scopes.map((scope) => ({ [SECURITY_SCHEME]: [scope] })) : [],
    request: {
      ...(route.params && { params: route.params }),
      ...(route.query && { query: route.query }),
      ...(body && { body }),
      ...(hasETag(route) && { headers: ifNoneMatch }),
    },
    responses: {
      ...particularProblems(route),
      ...plannedResponses(route),
      default: { $ref: `#/components/responses/${COMMON_PROBLEM}` },
    },
    ...(body && {
      'x-max-body-bytes': route.upload?.maxBytes ?? route.maxBodyBytes ?? MAX_BODY_BYTES,
    }),
  };
}

function toRequestBody({ documentedBody, body, bodyExamples, stream, upload }: Route) {
  if (upload) {
    const content = Object.entries(upload.content).map(([type, { schema, examples }]) => [
      type,
      { schema, examples: toExamples(examples) },
    ]);
    return {
      required: true,
      content: Object.fromEntries(content) as ZodRequestBody['content'],
    };
  }
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

/** Converts "A batch" to `a-batch`, because component keys cannot contain spaces. */
function toKey(summary: string): string {
  return summary
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** Whether a route's response has an ETag, so that clients can send If-None-Match. */
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
  const description = 'Unchanged since the response with the ETag in If-None-Match';
  return { ...planned, 304: { description, headers: answerHeaders(route, null) } };
}

/** Descriptions of the groups of operations, by tag. */
export const TAGS: Readonly<Record<string, string>> = {
  Usage:
    'Send usage from the gateway and the metering pipeline; see the running month; exclude events from billing; ' +
    'set spend thresholds.',
  Prices: 'Preview prices, with the same quote function as month end.',
  Invoices: 'Invoices, their lines and their usage events.',
  'Adjustment notes': 'Corrections of settled invoices, their lines and their usage events.',
  Payments: 'Record and list payments, and what is owed.',
  'Month end': 'Close months, and check the results.',
  Catalogue: 'Plans, their versions, and addons.',
  Subscriptions: 'Tenants, their deployments and subscriptions.',
  Tax: "Tax treatments, who has them, the seller's GST registration, and exchange rates.",
  Webhooks: 'Webhook endpoints, delivery attempts and replays.',
  System: 'Probes, metrics, operator actions and this documentation.',
};
