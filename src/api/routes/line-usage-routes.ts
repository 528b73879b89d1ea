import { z } from 'zod';
import { USAGE_CSV_HEADERS, streamUsageCsv } from '../../audit/usage-csv.ts';
import {
  behindLineSchema,
  hasUsageBehind,
  lineUsageSchema,
  listEventsBehind,
  readLineUsage,
  type EventsSummary,
  type LineUsage,
} from '../../db/usage/provenance.ts';
import { visibleId } from '../../ingestion/usage-fields.ts';
import { pageLimit } from '../http/request-fields.ts';
import { lineParams, requireInvoiceHeader } from './invoice-params.ts';
import { noteLineParams, requireNoteHeader } from './note-params.ts';
import { HttpProblem } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { createFairQueue } from '../../lib/fair-queue.ts';
import { ownerOf } from '../http/rate-limits.ts';

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
        'For lines of LLM usage and overage: the number of events, their exact sum before rounding, a digest, ' +
        'and the events, ordered by id. Also for superseded invoices.',
      query: z.strictObject({
        limit: pageLimit(1000, 100),
        after: visibleId(200).optional().describe('next_after of the previous page.'),
      }),
      responses: {
        200: {
          description: 'The line, and a page of events',
          schema: z.object({
            line: lineUsageSchema,
            events: z.array(behindLineSchema),
            next_after: z.string().nullable().describe('Null on the last page.'),
          }),
        },
      },
      problems: ['not-found', 'overloaded'],
    },
    async ({ params, query, caller }, { db }) => {
      const { documentId, lineNo } = await place.require(db, params as z.output<Params>, caller);
      const line = await readLineSummary(db, documentId, lineNo, caller);
      if (line === null) throw noUsageBehind(lineNo);
      const { after = null, limit } = query;
      const found = await listEventsBehind(db, documentId, lineNo, { after, limit: limit + 1 });
      const events = found.slice(0, limit);
      const next = found.length > limit ? (events.at(-1)?.event_id ?? null) : null;
      return reply(200, { line, events, next_after: next });
    },
  );
  const csv = defineRoute(
    {
      ...shared,
      path: `${place.path}/lines/{line_no}/usage.csv`,
      operationId: `get${place.name}UsageCsv`,
      summary: `Download the usage events of ${place.noun}`,
      description: `All events, ordered by id. Columns: ${USAGE_CSV_HEADERS.join(', ')}.`,
      responses: {
        200: {
          description: 'CSV (RFC 4180), UTF-8',
          schema: z.custom<AsyncIterable<string>>(() => true).meta({ type: 'string' }),
          contentType: 'text/csv; charset=utf-8',
          example: `${USAGE_CSV_HEADERS.join(',')}\r\n`,
        },
      },
      problems: ['not-found'],
    },
    async ({ params, caller }, { db }) => {
      const { documentId, lineNo } = await place.require(db, params as z.output<Params>, caller);
      if (!(await hasUsageBehind(db, documentId, lineNo))) throw noUsageBehind(lineNo);
      return reply(200, streamUsageCsv(db, documentId, lineNo));
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

/** A few hundred bytes each. */
const MAX_KEPT = 10_000;
/** Summaries of one owner that may wait. */
const MAX_WAITING = 16;

/** Summaries by line. Includes those being computed, so that concurrent requests share one computation. */
const kept = new Map<string, Promise<EventsSummary>>();
const queue = createFairQueue({
  maxConcurrent: 1,
  maxConcurrentPerOwner: 1,
  maxWaitingPerOwner: MAX_WAITING,
});

/**
 * Returns an invoice line with the summary of its usage events. The process computes a summary once and keeps
 * it, so that each page costs only what it shows. Summaries are computed one at a time, owners taking turns. The
 * database does not store them, because only a digest computed from the events proves that they are unchanged.
 * @returns null if there is no such line, or it has no usage
 * @throws OverloadedError if too many lines of this caller are waiting
 */
export function readLineSummary(
  db: Queryable,
  invoiceId: string,
  lineNo: number,
  caller: ApiKey,
): Promise<LineUsage | null> {
  return readLineUsage(db, invoiceId, lineNo, (key, compute) => {
    const id = JSON.stringify(key);
    const known = kept.get(id);
    if (known !== undefined) return known;
    if (kept.size >= MAX_KEPT) kept.clear();
    const summary = queue.run(ownerOf(caller), compute);
    kept.set(id, summary);
    summary.catch(() => kept.delete(id));
    return summary;
  });
}
