import { z } from 'zod';
import { WEBHOOK_EVENT_TYPES } from '../../contracts/webhook-types.ts';
import {
  createWebhookEndpoint,
  disableWebhookEndpoint,
  listWebhookEndpoints,
  rotateWebhookSecret,
  webhookEndpointSchema,
} from '../../db/webhooks/webhook-endpoints.ts';
import { text } from '../../ingestion/usage-fields.ts';
import { allowsPublicAnd } from '../../webhooks/addresses.ts';
import {
  DEFAULT_OVERLAP_SECONDS,
  MAX_OVERLAP_SECONDS,
  showSecret,
} from '../../webhooks/webhook-signing.ts';
import { MAX_URL_LENGTH, checkWebhookUrl } from '../../webhooks/url-rules.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const params = z.object({ endpoint_id: z.string().meta({ format: 'uuid' }) });
const secret = z
  .string()
  .meta({ example: 'whsec_K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=' })
  .describe('Secret to verify signatures with. Shown only this once.');

/** Registers an endpoint. */
export const postWebhookEndpoint = defineRoute(
  {
    method: 'post',
    path: '/api/v1/webhook-endpoints',
    operationId: 'postWebhookEndpoint',
    tag: 'Webhooks',
    summary: 'Register a webhook endpoint',
    description:
      'It receives events from now on; see the webhooks in this document. Sending the request twice registers ' +
      'two endpoints.',
    scopes: ['operator'],
    rateLimited: true,
    body: z.strictObject({
      url: z
        .string()
        .min(1)
        .max(MAX_URL_LENGTH)
        .meta({ example: 'https://billing.example.com/hooks' })
        .describe(
          'An https URL without user, fragment or control characters, to a public address (unless others are ' +
            'allowed). It is stored normalized, without a trailing dot in the host name.',
        ),
      event_types: z.array(z.enum(WEBHOOK_EVENT_TYPES)).min(1).max(WEBHOOK_EVENT_TYPES.length),
      label: text(200).optional().describe('A name for people, such as the owner.'),
    }),
    responses: {
      201: {
        description: 'The new endpoint',
        schema: webhookEndpointSchema.extend({ secret }),
      },
    },
    problems: ['signing-unavailable'],
  },
  async ({ body }, deps) => {
    const { event_types: eventTypes, label = null } = body;
    const { url, reason } = checkWebhookUrl(body.url, deps.allowsAddress ?? allowsPublicAnd([]));
    if (reason !== null) throw invalidRequest([{ pointer: '/url', detail: reason }]);
    // Fail early: without a master secret the endpoint could never verify us.
    const masterSecret = newestMasterSecret(deps);
    const { endpointId, secretId } = await createWebhookEndpoint(deps.db, {
      url,
      label,
      eventTypes,
    });
    const endpoint = await readEndpoint(deps, endpointId);
    return reply(201, { ...endpoint, secret: showSecret(masterSecret, secretId) });
  },
);

/** Lists endpoints. */
export const getWebhookEndpoints = defineRoute(
  {
    method: 'get',
    path: '/api/v1/webhook-endpoints',
    operationId: 'getWebhookEndpoints',
    tag: 'Webhooks',
    summary: 'List webhook endpoints, oldest first',
    description: 'Includes disabled endpoints.',
    scopes: ['operator'],
    rateLimited: true,
    responses: {
      200: {
        description: 'All endpoints',
        schema: z.object({ webhook_endpoints: z.array(webhookEndpointSchema) }),
      },
    },
  },
  async (_call, { db }) => reply(200, { webhook_endpoints: await listWebhookEndpoints(db) }),
);

/** Reads an endpoint. */
export const getWebhookEndpoint = defineRoute(
  {
    method: 'get',
    path: '/api/v1/webhook-endpoints/{endpoint_id}',
    operationId: 'getWebhookEndpoint',
    tag: 'Webhooks',
    summary: 'Show a webhook endpoint',
    scopes: ['operator'],
    rateLimited: true,
    params,
    responses: { 200: { description: 'The endpoint', schema: webhookEndpointSchema } },
    problems: ['not-found'],
  },
  async ({ params: { endpoint_id } }, deps) => reply(200, await readEndpoint(deps, endpoint_id)),
);

/** Disables an endpoint. */
export const deleteWebhookEndpoint = defineRoute(
  {
    method: 'delete',
    path: '/api/v1/webhook-endpoints/{endpoint_id}',
    operationId: 'deleteWebhookEndpoint',
    tag: 'Webhooks',
    summary: 'Disable a webhook endpoint permanently',
    description: 'Its pending deliveries are given up. Its log stays.',
    scopes: ['operator'],
    rateLimited: true,
    params,
    responses: { 200: { description: 'The disabled endpoint', schema: webhookEndpointSchema } },
    problems: ['not-found'],
  },
  async ({ params: { endpoint_id }, caller }, deps) => {
    const endpointId = requireId(endpoint_id);
    await disableWebhookEndpoint(deps.db, endpointId, `by key:${caller.label}`);
    return reply(200, await readEndpoint(deps, endpointId));
  },
);

/** Rotates the signing secret of an endpoint. */
export const rotateWebhookEndpointSecret = defineRoute(
  {
    method: 'post',
    path: '/api/v1/webhook-endpoints/{endpoint_id}/rotate-secret',
    operationId: 'rotateWebhookEndpointSecret',
    tag: 'Webhooks',
    summary: 'Rotate the secret of a webhook endpoint',
    description:
      'Events are signed with both secrets until the overlap ends. If a rotation was already in progress, its ' +
      'old secret ends now.',
    scopes: ['operator'],
    rateLimited: true,
    params,
    body: z.strictObject({
      overlap_seconds: z.int().min(0).max(MAX_OVERLAP_SECONDS).default(DEFAULT_OVERLAP_SECONDS),
    }),
    responses: {
      200: {
        description: 'The new secret',
        schema: z.object({
          secret_id: z.uuid(),
          secret,
          former_until: z.iso.datetime().describe('When the old secret expires.'),
        }),
      },
    },
    problems: ['not-found', 'signing-unavailable'],
  },
  async ({ params: { endpoint_id }, body }, deps) => {
    const masterSecret = newestMasterSecret(deps);
    const endpointId = requireId(endpoint_id);
    const rotated = await rotateWebhookSecret(deps.db, endpointId, body.overlap_seconds);
    if (rotated.outcome !== 'rotated') throw notAnEndpoint('live');
    return reply(200, {
      secret_id: rotated.secretId,
      secret: showSecret(masterSecret, rotated.secretId),
      former_until: rotated.formerUntil,
    });
  },
);

async function readEndpoint({ db }: Pick<ApiDeps, 'db'>, endpointId: string) {
  const [endpoint] = await listWebhookEndpoints(db, requireId(endpointId));
  if (endpoint === undefined) throw notAnEndpoint();
  return endpoint;
}

function requireId(endpointId: string): string {
  if (z.uuid().safeParse(endpointId).success) return endpointId;
  throw notAnEndpoint();
}

function notAnEndpoint(kind = ''): HttpProblem {
  return new HttpProblem(
    'not-found',
    `there is no such ${kind} webhook endpoint`.replace('  ', ' '),
  );
}

function newestMasterSecret({ config }: Pick<ApiDeps, 'config'>): string {
  const [masterSecret] = config.signingMasterSecrets;
  if (masterSecret !== undefined) return masterSecret;
  throw new HttpProblem('signing-unavailable', 'events cannot be signed; the log has the reason', {
    cause: new Error('SIGNING_MASTER_SECRETS is not set: secrets are derived from it'),
  });
}
