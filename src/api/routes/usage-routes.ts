import { z } from 'zod';
import { MAX_BATCH } from '../../contracts/batch.ts';
import type { Scope, ApiKey } from '../../db/access/api-keys.ts';
import type { UsageSource } from '../../db/usage/usage-ledger.ts';
import type { UsageResult } from '../../ingestion/results.ts';
import { anyObject, readBatch, type JsonFields } from '../http/batch.ts';
import { MAX_BULK_BYTES } from '../http/body-limits.ts';
import { NDJSON } from '../http/ndjson.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import type { Route } from '../http/route-definition.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { toLoggedProblem } from '../http/to-problem.ts';
import { countResults, countsSchema, readId, resultFields } from './usage-results.ts';
import { answerUsageStream, streamAnswerSchema } from './usage-stream.ts';
import { text } from '../../ingestion/usage-fields.ts';
import { llmEventSchema } from '../../ingestion/llm-event.ts';
import { meteredRecordSchema } from '../../ingestion/metered-record.ts';

/** Corrections that all streams together hold until their record arrives: about 1 KiB each. */
const MAX_EARLY = 20_000;
/** When to retry a correction that arrived before its record. */
const RETRY_AFTER_SECONDS = '1';

export interface UsageRouteOptions {
  readonly path: string;
  readonly operationId: string;
  readonly scope: Scope;
  readonly summary: string;
  readonly source: UsageSource;
  /** The name of the event's id. */
  readonly idField: string;
  /** The name of the field that holds a batch. */
  readonly batchField: string;
  /** Schema of one event. */
  readonly schema: z.ZodType;
  /** Events for the documentation: two for a batch, and others by title. */
  readonly examples: {
    readonly batch: readonly [JsonFields, JsonFields];
    readonly others?: Readonly<Record<string, JsonFields>>;
  };
}

/**
 * Makes a route that ingests usage as one event, a batch or a stream (docs/spec.md#usage). It has no rate limit,
 * because the ingestion queue limits it.
 */
export function defineUsageRoute(options: UsageRouteOptions): Route {
  const { idField, batchField, schema, source, examples } = options;
  const replies = replySchemas(idField);
  const earlyRoom = { left: MAX_EARLY };
  return defineRoute(
    {
      method: 'post',
      path: options.path,
      operationId: options.operationId,
      tag: 'Usage',
      summary: options.summary,
      description:
        'The response follows the commit. After any status except 2xx, 409 and 422, send the request again; ' +
        'retries are safe, because an id counts only once. A batch has a result per event, in order; a ' +
        'rejected event does not affect the others. Send events with the result `retry_later` again. New ' +
        'events may be up to 62 days old and 5 minutes ahead (configurable); an operator can send older ones ' +
        'with a `backfill_reason`.',
      scopes: [options.scope, 'operator'],
      rateLimited: false,
      query: backfillQuery,
      body: anyObject,
      maxBodyBytes: MAX_BULK_BYTES,
      maxEntries: null,
      documentedBody: z.union([
        schema,
        z.strictObject({ [batchField]: z.array(schema).min(1).max(MAX_BATCH) }),
      ]),
      stream: {
        contentType: NDJSON,
        description:
          'one event per line, any number of lines, uncompressed or compressed with gzip. Each line gets a ' +
          'result once it is committed, in order, while the stream continues. Only a correction that arrives ' +
          'before its record gets its result later. The last line is a `summary`, or the `problem` that ended ' +
          'the stream. A stream ends with `too-large` if it decompresses to more than 1 MiB plus 100 times ' +
          'its size, if its response exceeds the same limit, or if it has more than 10,000 lines plus one for ' +
          'each 32 bytes, including blank lines.',
        line: schema,
        answer: streamAnswerSchema(idField),
      },
      bodyExamples: {
        'One event': examples.batch[0],
        'A batch': { [batchField]: examples.batch },
        ...examples.others,
      },
      responses: {
        200: {
          description: 'One event that was accepted before, or a batch with any results',
          schema: z.union([replies.batch, replies.one]),
        },
        201: { description: 'One accepted event', schema: replies.one },
      },
      problems: [
        'usage-conflict',
        'overloaded',
        ...(source === 'metered' ? (['correction-early'] as const) : []),
      ],
    },
    async ({ body, query, caller }, { ingestion }) => {
      const how = { isBackfill: isBackfill(caller, query) };
      if (Object.hasOwn(body, batchField)) {
        const events = readBatch(body, batchField);
        const results = await ingestion.ingest(source, events, how);
        return reply(200, toBatchReply(idField, events, results));
      }
      const [result] = await ingestion.ingest(source, [body], how);
      return toReply(idField, body, result);
    },
    ({ query, caller, chunks, bounds, requestId, logger }, { ingestion, metrics }) => {
      const how = { isBackfill: isBackfill(caller, query), isPatient: true };
      return answerUsageStream(chunks, {
        idField,
        bounds,
        requestId,
        earlyRoom,
        ingest: (events) => ingestion.ingest(source, events, how),
        onUnreadable: (lines) => metrics.usageEvents(source, 'rejected', lines),
        toProblem: (error) => toLoggedProblem(error, logger),
      });
    },
  );
}

function replySchemas(idField: string) {
  const one = z.object({ [idField]: z.string(), status: z.enum(['accepted', 'duplicate']) });
  const result = z.object({ index: z.int(), ...resultFields(idField) });
  return { one, batch: z.object({ counts: countsSchema, results: z.array(result) }) };
}

function toReply(idField: string, event: unknown, result: UsageResult | undefined) {
  const id = readId(event, idField) ?? '';
  switch (result?.status) {
    case 'accepted':
      return reply(201, { [idField]: id, status: result.status });
    case 'duplicate':
      return reply(200, { [idField]: id, status: result.status });
    case 'conflict':
      throw new HttpProblem('usage-conflict', result.reason, {
        errors: [{ pointer: `/${idField}`, detail: result.reason }],
      });
    case 'retry_later':
      throw new HttpProblem('correction-early', result.reason, {
        errors: [{ pointer: '/replaces', detail: result.reason }],
        headers: { 'Retry-After': RETRY_AFTER_SECONDS },
      });
    case 'rejected':
      throw invalidRequest(result.errors ?? [{ pointer: '', detail: result.reason }]);
    case undefined:
      throw new Error('the event has no result');
  }
}

function toBatchReply(
  idField: string,
  events: readonly unknown[],
  results: readonly UsageResult[],
) {
  return {
    counts: countResults(results),
    results: results.map((result, index) => ({
      index,
      [idField]: readId(events[index], idField),
      ...result,
    })),
  };
}

/** An operator's reason for sending usage that is too old for its usual sender. */
export const backfillQuery = z.strictObject({
  backfill_reason: text(200)
    .optional()
    .describe(
      'Why an operator sends usage: required with an operator key, not allowed with others.',
    ),
});

/**
 * Whether the time bounds are lifted, as they are for operators with a reason.
 * @throws HttpProblem `invalid-request`, `forbidden`
 */
export function isBackfill(
  { scope }: Pick<ApiKey, 'scope'>,
  { backfill_reason: reason }: z.infer<typeof backfillQuery>,
): boolean {
  if (scope === 'operator') {
    if (reason !== undefined) return true;
    throw invalidRequest([
      { parameter: 'backfill_reason', detail: 'operators must give a reason for sending usage' },
    ]);
  }
  if (reason === undefined) return false;
  throw new HttpProblem('forbidden', 'only an operator key can send a backfill');
}

const EVENT = {
  gateway_request_id: 'req_8f14e45f',
  tenant_id: 'acme',
  deployment_id: 'acme-a',
  model: 'large-2',
  occurred_at: '2026-05-20T08:30:00.125Z',
  charge_cents: '0.0425',
  input_tokens: 1200,
  output_tokens: 85,
};

export const postLlmUsage = defineUsageRoute({
  path: '/api/v1/integrations/llm-usage',
  operationId: 'postLlmUsage',
  scope: 'gateway',
  summary: 'Post priced LLM requests',
  source: 'llm',
  idField: 'gateway_request_id',
  batchField: 'events',
  schema: llmEventSchema,
  examples: { batch: [EVENT, { ...EVENT, gateway_request_id: 'req_c9f0f895' }] },
});

const RECORD = {
  record_id: 'meter-2026-05-20-0001',
  tenant_id: 'acme',
  deployment_id: 'acme-a',
  resource_kind: 'llm_tokens',
  qty: '1500',
  occurred_at: '2026-05-20T08:30:00Z',
};

export const postMeteredUsage = defineUsageRoute({
  path: '/api/v1/integrations/metered-usage',
  operationId: 'postMeteredUsage',
  scope: 'metering',
  summary: 'Post metered infrastructure usage',
  source: 'metered',
  idField: 'record_id',
  batchField: 'records',
  schema: meteredRecordSchema,
  examples: {
    batch: [RECORD, { ...RECORD, record_id: 'meter-2026-05-20-0002', qty: '12.5' }],
    others: {
      'A correction': {
        ...RECORD,
        record_id: 'meter-2026-05-20-0001-corrected',
        qty: '1400',
        replaces: RECORD.record_id,
      },
    },
  },
});
