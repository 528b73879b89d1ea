import { z } from 'zod';
import { DEFAULT_COST_CURRENCY } from '../../db/access/api-keys.ts';
import {
  takeLitellmEvents,
  type LitellmCounts,
} from '../../ingestion/litellm/take-litellm-events.ts';
import { currencyCode } from '../../ingestion/usage-fields.ts';
import type { Caller } from '../http/authenticate.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { NDJSON } from '../http/ndjson.ts';
import { invalidRequest } from '../http/problems.ts';
import { backfillQuery, isBackfill } from './usage-routes.ts';

/** Nine times a full batch of 512 events with all their fields. */
export const MAX_LITELLM_BYTES = 64 * 1024 * 1024;

const text = z.string().nullish();
const count = z.int().nullish();

/** The documented fields; the handler reads events itself. */
const litellmEvent = z
  .looseObject({
    id: text.describe("The provider's id of the answer."),
    litellm_call_id: text,
    status: text.describe('`failure`, or `success`.'),
    cache_hit: z.boolean().nullish(),
    startTime: z.number().nullish().describe('Seconds since 1970.'),
    model: text,
    model_group: text.describe('The model as clients name it; billed under this name if given.'),
    response_cost: z
      .number()
      .nullish()
      .describe(
        "In units, not cents, of the key's currency. Its text is read, not a binary float.",
      ),
    total_tokens: count,
    prompt_tokens: count,
    completion_tokens: count,
    metadata: z
      .looseObject({
        user_api_key_alias: text.describe('The deployment, if `arcadia_deployment` is not given.'),
        user_api_key_team_id: text.describe('The tenant, if `arcadia_tenant` is not given.'),
        user_api_key_user_id: text,
        user_api_key_project_id: text,
        user_api_key_auth_metadata: z
          .looseObject({ arcadia_tenant: text, arcadia_deployment: text })
          .nullish()
          .describe('The metadata of the LiteLLM key and its team.'),
      })
      .nullish(),
  })
  .meta({ id: 'LitellmEvent', description: 'An event of the callback; other fields are ignored.' });

const EVENT = {
  id: 'chatcmpl-65fac700',
  litellm_call_id: '3414cafb-d45b-440a-a8cf-f4e78e2b1ebc',
  status: 'success',
  startTime: 1795959293.297993,
  model: 'openai/gpt-large',
  model_group: 'large',
  response_cost: 0.000207504375,
  total_tokens: 29,
  prompt_tokens: 11,
  completion_tokens: 18,
  metadata: {
    user_api_key_alias: 'acme-a',
    user_api_key_team_id: 'acme',
    user_api_key_auth_metadata: {},
  },
};

const countsSchema = z.object({
  accepted: z.int(),
  duplicates: z.int().describe('Accepted before.'),
  conflicts: z.int().describe('In quarantine: the id belongs to another event, which stays.'),
  counted: z
    .object({
      failures: z.int(),
      cache_hits: z.int(),
      no_cost: z.int().describe('Others without cost and tokens.'),
      free_models: z
        .int()
        .describe('Without cost, of models that are free by `LITELLM_FREE_MODELS`.'),
    })
    .describe('Free of charge, and not stored.'),
  unpriced: z.int().describe('In quarantine: the request used tokens, but LiteLLM has no price.'),
  quarantined: z.int().describe('In quarantine for another reason.'),
}) satisfies z.ZodType<LitellmCounts>;

export const postLitellmUsage = defineRoute(
  {
    method: 'post',
    path: '/api/v1/integrations/litellm',
    operationId: 'postLitellmUsage',
    tag: 'Usage',
    summary: "Post events of LiteLLM's callback",
    description:
      "Takes what LiteLLM's `generic_api` callback sends, in each of its formats and whatever the media type: a " +
      'JSON array, NDJSON or a single object, up to 64 MiB, uncompressed or compressed with gzip. The response ' +
      'follows the commit of all events. LiteLLM does not retry after 4xx, so an event that cannot be accepted ' +
      'never fails the request: it goes into quarantine, with its reason. Sending a batch again is safe.',
    scopes: ['gateway', 'operator'],
    rateLimited: false,
    query: backfillQuery.extend({
      currency: currencyCode
        .optional()
        .describe(
          'Currency of the costs, with an operator key; default USD. A gateway key has its own.',
        ),
      source: z
        .enum(['callback', 'spend_log'])
        .optional()
        .describe(
          "`spend_log`: rows of LiteLLM's own log, as events. It has their start to the millisecond, so an event " +
            'is a duplicate if id, tenant, deployment and charge are equal. Default `callback`.',
        ),
    }),
    upload: {
      maxBytes: MAX_LITELLM_BYTES,
      content: {
        'application/json': {
          schema: z.union([z.array(litellmEvent), litellmEvent]),
          examples: { 'A batch': [EVENT], 'One event': EVENT },
        },
        [NDJSON]: { schema: litellmEvent, examples: { 'A line': EVENT } },
      },
    },
    responses: {
      200: {
        description: 'Everything is stored, counted or in quarantine; each event is counted once',
        schema: z.object({ counts: countsSchema }),
      },
    },
  },
  async ({ query, caller, upload }, { ingestion, db, metrics, now, config }) => {
    const currency = currencyFor(caller, query.currency);
    const counts = await takeLitellmEvents(upload.chunks, {
      ...{ ingestion, db, now, currency },
      freeModels: config.litellmFreeModels,
      keyId: caller.keyId,
      isBackfill: isBackfill(caller, query),
      isLog: query.source === 'spend_log',
      onRead: (events) => upload.bounds.split(events),
      onTaken: (result, events) => metrics.litellmEvents(result, events),
    });
    return reply(200, { counts });
  },
);

/** @throws HttpProblem `invalid-request` */
function currencyFor({ currency }: Caller, given: string | undefined): string {
  if (currency === null) return given ?? DEFAULT_COST_CURRENCY;
  if (given === undefined || given === currency) return currency;
  const detail = `this key's costs are in ${currency}; create another key for ${given}`;
  throw invalidRequest([{ parameter: 'currency', detail }]);
}
