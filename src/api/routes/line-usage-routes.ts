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
import { visibleId } from '../../ingestion/fields.ts';
import { pageLimit } from '../http/request-fields.ts';
import { lineParams, requireInvoiceHeader } from './invoice-params.ts';
import { HttpProblem } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { createFairQueue } from '../../lib/fair-queue.ts';
import { ownerOf } from '../http/rate-limits.ts';

/** The events behind a line. */
export const getLineUsage = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices/{invoice_id}/lines/{line_no}/usage',
    operationId: 'getLineUsage',
    tag: 'Invoices',
    summary: 'Show the events behind an invoice line',
    description:
      'Of a line of LLM usage or overage: their count, their exact sum before rounding, a digest, ' +
      'and the events themselves, in the order of their ids. Superseded invoices too.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: lineParams,
    query: z.strictObject({
      limit: pageLimit(1000, 100),
      after: visibleId(200).optional().describe('next_after of the page before.'),
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
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    const line = await readLineSummary(db, invoice.invoice_id, params.line_no, caller);
    if (line === null) throw noUsageBehind(params.line_no);
    const { after = null, limit } = query;
    const found = await listEventsBehind(db, invoice.invoice_id, line.line_no, {
      after,
      limit: limit + 1,
    });
    const events = found.slice(0, limit);
    const next = found.length > limit ? (events.at(-1)?.event_id ?? null) : null;
    return reply(200, { line, events, next_after: next });
  },
);

/** The same as a table. */
export const getLineUsageCsv = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices/{invoice_id}/lines/{line_no}/usage.csv',
    operationId: 'getLineUsageCsv',
    tag: 'Invoices',
    summary: 'Download the events behind an invoice line',
    description: `All of them, in the order of their ids. Columns: ${USAGE_CSV_HEADERS.join(', ')}.`,
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: lineParams,
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
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    if (!(await hasUsageBehind(db, invoice.invoice_id, params.line_no))) {
      throw noUsageBehind(params.line_no);
    }
    return reply(200, streamUsageCsv(db, invoice.invoice_id, params.line_no));
  },
);

function noUsageBehind(lineNo: number): HttpProblem {
  return new HttpProblem(
    'not-found',
    `line ${lineNo} is not there, or no usage can be behind it: it is no LLM usage and no overage`,
  );
}

/** A few hundred bytes each. */
const MAX_KEPT = 10_000;
/** Lines of one owner whose summaries wait. */
const MAX_WAITING = 16;

/** By line; those under way too, so that many pages at once compute one summary. */
const kept = new Map<string, Promise<EventsSummary>>();
const queue = createFairQueue({
  maxConcurrent: 1,
  maxConcurrentPerOwner: 1,
  maxWaitingPerOwner: MAX_WAITING,
});

/**
 * What is behind a line, for its pages: this process computes the summary of a line's events once, so that
 * a page costs what it shows. One summary at a time, by turns among owners. The database doesn't keep
 * them: the digest shows that the events are unchanged only if it is computed from them.
 * @returns null where there is no such line, or no usage can be behind it
 * @throws OverloadedError where too many lines of this caller wait
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
