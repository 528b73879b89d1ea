import { Readable } from 'node:stream';
import { z } from 'zod';
import {
  BREAKDOWN_CSV_HEADERS,
  USAGE_CSV_HEADERS,
  breakdownCsv,
  streamUsageCsv,
} from '../../audit/usage-csv.ts';
import {
  behindLineSchema,
  hasUsageBehind,
  lineUsageSchema,
  listEventsBehind,
  readLineUsage,
  type EventBehindLine,
  type LineUsage,
} from '../../db/usage/provenance.ts';
import { visibleId } from '../../ingestion/usage-fields.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { pageLimit } from '../http/request-fields.ts';
import { lineParams, requireInvoiceHeader } from './invoice-params.ts';
import { noteLineParams, requireNoteHeader } from './note-params.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import {
  attributeSumSchema,
  sumByAttribute,
  toValueSum,
  type AttributeSum,
} from '../../db/usage/usage-breakdown.ts';
import { BY_ATTRIBUTE, attributeOf } from '../../ingestion/attributes.ts';
import { computeOnce } from '../http/compute-once.ts';

/** Query parameter: an attribute of LLM events. */
const byAttribute = z
  .string()
  .regex(new RegExp(`^${BY_ATTRIBUTE}`), {
    error: 'expected "attribute:" and the name of an attribute, such as "attribute:team"',
  })
  .meta({ example: 'attribute:team' });
/** Query parameter: the model, or an attribute of LLM events. */
const byAnything = z
  .string()
  .regex(new RegExp(`^model$|^${BY_ATTRIBUTE}`), {
    error:
      'expected "model", or "attribute:" and the name of an attribute, such as "attribute:team"',
  })
  .meta({ example: 'model' });

const pageOfEvents = pagedBy(visibleId(200), ({ event_id }: EventBehindLine) => event_id);

/** Where lines are, and what their document is called. */
interface Place<Params extends z.ZodObject> {
  readonly tag: string;
  readonly path: string;
  /** Begins the operation ids. */
  readonly name: string;
  readonly noun: string;
  readonly params: Params;
  /** @throws HttpProblem `not-found` unless the caller may see the document */
  readonly require: (
    db: Queryable,
    params: z.output<Params>,
    caller: ApiKey,
  ) => Promise<{ readonly documentId: string; readonly lineNo: number }>;
}

/** Makes the routes that read the usage behind a line: as JSON in pages, and as CSV. */
function lineUsageRoutes<Params extends z.ZodObject>(place: Place<Params>) {
  const shared = {
    method: 'get',
    tag: place.tag,
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: place.params,
  } as const;
  const json = defineRoute(
    {
      ...shared,
      path: `${place.path}/lines/{line_no}/usage`,
      operationId: `get${place.name}Usage`,
      summary: `List the usage events of ${place.noun}`,
      description:
        'For lines of LLM usage and overage: the number of events, their exact sum before rounding, by model too, ' +
        'a digest, and the events, ordered by id. Also for superseded invoices.',
      query: z.strictObject({
        limit: pageLimit(1000, 100),
        cursor: cursorParam,
        by: byAttribute.optional().describe('Also sums the events by the values of an attribute.'),
      }),
      responses: {
        200: {
          description: 'The line, and a page of events',
          schema: z.object({
            line: lineUsageSchema,
            by_attribute: z
              .array(attributeSumSchema)
              .nullable()
              .describe(
                'With `by`: largest sum first. Empty if the events have expired. Null: without `by`.',
              ),
            events: z.array(behindLineSchema),
            next_cursor: nextCursor,
          }),
        },
      },
      problems: ['not-found', 'overloaded'],
    },
    async ({ params, query, caller }, { db }) => {
      const { documentId, lineNo } = await place.require(db, params as z.output<Params>, caller);
      const line = await readLineSummary(db, documentId, lineNo, caller);
      if (line === null) throw noUsageBehind(lineNo);
      const name = attributeOf(query.by ?? '');
      const by_attribute =
        name === null ? null : await readAttributeSums(db, documentId, line, name, caller);
      const { entries, next_cursor } = await pageOfEvents(query, (page) =>
        listEventsBehind(db, documentId, lineNo, page),
      );
      return reply(200, { line, by_attribute, events: entries, next_cursor });
    },
  );
  const csv = defineRoute(
    {
      ...shared,
      path: `${place.path}/lines/{line_no}/usage.csv`,
      operationId: `get${place.name}UsageCsv`,
      summary: `Download the usage events of ${place.noun}`,
      description:
        `All events, ordered by id. Columns: ${USAGE_CSV_HEADERS.join(', ')}. ` +
        `With \`by\`: the sums instead. Columns: ${BREAKDOWN_CSV_HEADERS.join(', ')}.`,
      query: z.strictObject({ by: byAnything.optional() }),
      responses: {
        200: {
          description: 'CSV (RFC 4180), UTF-8',
          schema: z.custom<AsyncIterable<string>>(() => true).meta({ type: 'string' }),
          contentType: 'text/csv; charset=utf-8',
          example: `${USAGE_CSV_HEADERS.join(',')}\r\n`,
        },
      },
      problems: ['not-found', 'overloaded'],
    },
    async ({ params, query: { by }, caller }, { db }) => {
      const { documentId, lineNo } = await place.require(db, params as z.output<Params>, caller);
      if (by === undefined) {
        if (!(await hasUsageBehind(db, documentId, lineNo))) throw noUsageBehind(lineNo);
        return reply(200, streamUsageCsv(db, documentId, lineNo));
      }
      const line = await readLineSummary(db, documentId, lineNo, caller);
      if (line === null) throw noUsageBehind(lineNo);
      if (line.by_model === null) throw invalidRequest([{ parameter: 'by', detail: ONLY_LLM }]);
      const name = attributeOf(by);
      const sums =
        name === null
          ? line.by_model.map(toValueSum)
          : await readAttributeSums(db, documentId, line, name, caller);
      return reply(200, Readable.from([breakdownCsv(line.currency, by, sums)]));
    },
  );
  return { json, csv };
}

export const { json: getLineUsage, csv: getLineUsageCsv } = lineUsageRoutes({
  tag: 'Invoices',
  path: '/api/v1/invoices/{invoice_id}',
  name: 'Line',
  noun: 'an invoice line',
  params: lineParams,
  async require(db, { invoice_id, line_no }, caller) {
    const found = await requireInvoiceHeader(db, invoice_id, caller);
    return { documentId: found.invoice_id, lineNo: line_no };
  },
});

export const { json: getNoteLineUsage, csv: getNoteLineUsageCsv } = lineUsageRoutes({
  tag: 'Adjustment notes',
  path: '/api/v1/adjustment-notes/{adjustment_note_id}',
  name: 'AdjustmentNoteLine',
  noun: 'a line of an adjustment note',
  params: noteLineParams,
  async require(db, { adjustment_note_id, line_no }, caller) {
    const found = await requireNoteHeader(db, adjustment_note_id, caller);
    return { documentId: found.adjustment_note_id, lineNo: line_no };
  },
});

function noUsageBehind(lineNo: number): HttpProblem {
  return new HttpProblem(
    'not-found',
    `line ${lineNo} does not exist, or is neither LLM usage nor overage`,
  );
}

/**
 * Returns an invoice line with the summary of its usage events, so that each page costs only what it shows. The database
 * does not store summaries, because only a digest computed from the events proves that they are unchanged.
 * @returns null if there is no such line, or it has no usage
 * @throws OverloadedError if too many results of this caller are waiting
 */
export function readLineSummary(
  db: Queryable,
  documentId: string,
  lineNo: number,
  caller: ApiKey,
): Promise<LineUsage | null> {
  return readLineUsage(db, documentId, lineNo, (key, compute) => computeOnce(caller, key, compute));
}

/**
 * Returns the LLM usage of a line by the values of an attribute.
 * @throws HttpProblem `invalid-request` for metered usage
 * @throws OverloadedError if too many results of this caller are waiting
 */
export function readAttributeSums(
  db: Queryable,
  documentId: string,
  { source, line_no: lineNo, expired_at: expiredAt }: LineUsage,
  name: string,
  caller: ApiKey,
): Promise<readonly AttributeSum[]> {
  if (source !== 'llm') throw invalidRequest([{ parameter: 'by', detail: ONLY_LLM }]);
  return computeOnce(caller, { documentId, lineNo, expiredAt, name }, () =>
    sumByAttribute(db, documentId, lineNo, name),
  );
}

const ONLY_LLM = 'only LLM usage has models and attributes';
