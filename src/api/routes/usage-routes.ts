import { z } from 'zod';
import type { Scope, ApiKey } from '../../db/access/api-keys.ts';
import type { UsageSource } from '../../db/usage/usage-ledger.ts';
import type { UsageResult } from '../../ingestion/results.ts';
import { MAX_BULK_BYTES } from '../http/body-limits.ts';
import { NDJSON } from '../http/ndjson.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import type { Route } from '../http/route-definition.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { toLoggedProblem } from '../http/to-problem.ts';
import { countResults, countsSchema, readId, resultFields } from './usage-results.ts';
import { answerUsageStream, streamAnswerSchema } from './usage-stream.ts';
import { text } from '../../ingestion/fields.ts';
import { llmEventSchema } from '../../ingestion/llm-event.ts';
import { meteredRecordSchema } from '../../ingestion/metered-record.ts';

/** Events in one batch. */
export const MAX_BATCH = 1_000;
/** Corrections that all streams hold back together, until their record comes: about 1 KiB each. */
const MAX_EARLY = 20_000;
/** When a correction that came too early is worth sending again. */
const RETRY_AFTER_SECONDS = '1';

type JsonFields = Readonly<Record<string, unknown>>;

/** Any JSON object, as it was sent: the ingestion checks each event by itself. */
const anyObject = z.custom<JsonFields>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  { error: 'expected a JSON object' },
);

export interface UsageRouteOptions {
  readonly path: string;
  readonly operationId: string;
  readonly scope: Scope;
  readonly summary: string;
  readonly source: UsageSource;
  /** What an event is known by. */
  readonly idField: string;
  /** The field that holds a batch. */
  readonly batchField: string;
  /** Of one event. */
  readonly schema: z.ZodType;
  /** Events for the documentation: two that are alike, and what else is worth showing. */
  readonly examples: {
    readonly batch: readonly [JsonFields, JsonFields];
    readonly others?: Readonly<Record<string, JsonFields>>;
  };
}

/**
 * Takes usage, one event or a batch (docs/spec.md#usage). Its rate isn't limited: the queue of the
 * ingestion bounds it.
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
        'Answered when it is committed. After any answer but 2xx, 409 and 422, send it again, as ' +
        'often as you like: the same id counts once, for ever. A batch is answered event by ' +
        'event, in order; a bad one does not sink the others. Send events again that are answered ' +
        '`retry_later`. New events may be up to 62 days ' +
        'old and 5 minutes ahead (or as configured); an operator can send older ones, with a ' +
        '`backfill_reason`.',
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
          'one event a line, any number of lines, plain or compressed by gzip. Each line is ' +
          'answered, in order, when it is committed, while the stream goes on. Only a correction ' +
          'that comes before its record is answered later. The last line is ' +
          'a `summary`, or the `problem` that broke the stream off. A stream that is out of ' +
          'proportion is broken off with `too-large`: unpacked to more than 1 MiB and 100 times ' +
          'its size, answered with more than that, or with more than 10,000 lines and one for ' +
          'each 32 bytes, blank ones included.',
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
          description: 'One event that was accepted before; or a batch, whatever its results',
          schema: z.union([replies.batch, replies.one]),
        },
        201: { description: 'One event, accepted', schema: replies.one },
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

function readBatch(body: JsonFields, batchField: string): readonly unknown[] {
  const [unknown] = Object.keys(body).filter((key) => key !== batchField);
  if (unknown !== undefined) {
    throw invalidRequest([
      { pointer: '', detail: `beside "${batchField}" there can be no other field` },
    ]);
  }
  const events = body[batchField];
  if (!Array.isArray(events) || events.length === 0) {
    throw invalidRequest([{ pointer: `/${batchField}`, detail: 'expected a list, not empty' }]);
  }
  if (events.length > MAX_BATCH) {
    throw new HttpProblem(
      'too-large',
      `a batch has at most ${MAX_BATCH} entries, this one has ${events.length}`,
    );
  }
  return events;
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

/** What an operator says of usage that is too old for its sender to send it. */
export const backfillQuery = z.strictObject({
  backfill_reason: text(200)
    .optional()
    .describe('Why an operator sends it: required with an operator key, and only allowed there.'),
});

/**
 * Whether the time bounds are lifted: for operators, who must say why.
 * @throws HttpProblem `invalid-request`, `forbidden`
 */
export function isBackfill(
  { scope }: Pick<ApiKey, 'scope'>,
  { backfill_reason: reason }: z.infer<typeof backfillQuery>,
): boolean {
  if (scope === 'operator') {
    if (reason !== undefined) return true;
    throw invalidRequest([
      { parameter: 'backfill_reason', detail: 'an operator must say why usage is sent' },
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
