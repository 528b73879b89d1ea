import { z } from 'zod';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import {
  findEventsBehind,
  type EventBehindLine,
  type LineUsage,
} from '../../db/usage/provenance.ts';
import { EVENT_ORDERS } from '../../db/usage/sorted-events.ts';
import { parseDate } from '../../domain/period.ts';
import { findExcludedIds } from '../../db/usage/usage-exclusions.ts';
import { ATTRIBUTE_NAME } from '../../ingestion/attributes.ts';
import { text } from '../../ingestion/usage-fields.ts';
import { pagedBy } from '../http/paging.ts';
import { HttpProblem } from '../http/problems.ts';
import { date } from '../http/request-fields.ts';
import { lineParams, requireInvoiceHeader } from '../routes/invoice-params.ts';
import { MAX_SORTED, readLineDays, readSortedEvents } from '../routes/line-days.ts';
import { readAttributeSums, readLineSummary } from '../routes/line-usage-routes.ts';
import { noteLineParams, requireNoteHeader } from '../routes/note-params.ts';
import { nextHref, page, pageQuery, pagesOfBoth } from './page-definition.ts';
import { doneQuery } from './views/done-note.ts';
import type { ExclusionColumn } from './views/exclusion-column.ts';
import { lineUsagePage } from './views/line-usage-html.ts';
import { rootOf, type Visitor } from './views/layout.ts';

const EVENTS_A_PAGE = 100;
/** An event and its place in the list, which never changes. */
interface PlacedEvent {
  readonly place: number;
  readonly event: EventBehindLine;
}
const readPage = pagedBy(z.int32().min(0).max(MAX_SORTED), ({ place }: PlacedEvent) => place);

const query = z.object({
  ...pageQuery,
  ...doneQuery,
  by: z
    .string()
    .regex(ATTRIBUTE_NAME, { error: 'expected the name of an attribute, such as team' })
    .optional(),
  order: z.enum(EVENT_ORDERS).default('largest'),
  day: date.optional(),
  model: text(200).optional(),
});

/** Shows the usage events of an invoice line. */
export const lineUsage = pagesOfBoth(
  { path: '/invoices/:invoice_id/lines/:line_no', params: lineParams, query },
  async ({ params, ...call }, { db }) => {
    const { invoice_id, number } = await requireInvoiceHeader(db, params.invoice_id, call.caller);
    const href = `${rootOf(call.visitor)}/invoices/${invoice_id}`;
    const document = { href, text: `Invoice ${number}` };
    return show(db, { ...call, document, documentId: invoice_id, lineNo: params.line_no });
  },
);

/** Shows the usage events of a line of an adjustment note. */
export const noteLineUsage = pagesOfBoth(
  {
    path: '/adjustment-notes/:adjustment_note_id/lines/:line_no',
    params: noteLineParams,
    query,
  },
  async ({ params, ...call }, { db }) => {
    const note = await requireNoteHeader(db, params.adjustment_note_id, call.caller);
    const { adjustment_note_id: documentId, number } = note;
    const href = `${rootOf(call.visitor)}/adjustment-notes/${documentId}`;
    const document = { href, text: `Adjustment note ${number}` };
    return show(db, { ...call, document, documentId, lineNo: params.line_no });
  },
);

interface Shown {
  readonly visitor: Visitor;
  readonly caller: ApiKey;
  readonly query: z.output<typeof query>;
  readonly path: string;
  readonly document: { readonly href: string; readonly text: string };
  readonly documentId: string;
  readonly lineNo: number;
}

/** @throws HttpProblem `not-found` if the line has no usage */
async function show(db: Queryable, shown: Shown) {
  const { visitor, caller, document, documentId, lineNo, path } = shown;
  const line = await readLineSummary(db, documentId, lineNo, caller);
  if (line === null) {
    throw new HttpProblem(
      'not-found',
      'this line does not exist, or is neither LLM usage nor overage',
    );
  }
  const { by, cursor, done, ...filter } = shown.query;
  const ids = await readSortedEvents(db, { documentId, lineNo }, await inTime(db, filter), caller);
  const { entries, next_cursor } = await readPage(
    { limit: EVENTS_A_PAGE, cursor },
    async ({ after, limit }): Promise<readonly PlacedEvent[]> => {
      const start = after === null ? 0 : after + 1;
      const events = await findEventsBehind(
        db,
        documentId,
        lineNo,
        ids.slice(start, start + limit),
      );
      return events.map((event, at) => ({ event, place: start + at }));
    },
  );
  return page(
    lineUsagePage({
      ...{ visitor, document, line, filter },
      events: entries.map(({ event }) => event),
      isCut: ids.length === MAX_SORTED,
      done,
      exclusion: await readExclusion(
        db,
        shown,
        line,
        entries.map(({ event }) => event),
      ),
      nextHref: nextHref(path, next_cursor),
      sums: cursor === undefined ? await readSums(db, documentId, line, by, caller) : null,
    }),
  );
}

/** Returns the filter of events with the instants of its day. */
async function inTime(
  db: Queryable,
  { order, model, day }: Pick<z.output<typeof query>, 'order' | 'model' | 'day'>,
) {
  if (day === undefined) return { order, model };
  const { startOfDay } = await loadCalendar(db);
  const start = parseDate(day);
  return {
    ...{ order, model },
    time: { from: startOfDay(start), until: startOfDay(start.add({ days: 1 })) },
  };
}

/** Returns what the first page shows above the events. */
async function readSums(
  db: Queryable,
  documentId: string,
  line: LineUsage,
  by: string | undefined,
  caller: ApiKey,
) {
  const { line_no: lineNo, service_month: month, source, unit, currency } = line;
  const of =
    source === 'llm'
      ? { resourceKind: 'llm_usage', currency }
      : { resourceKind: unit, currency: null };
  return {
    days:
      line.expired_at === null
        ? await readLineDays(db, { documentId, lineNo, month, ...of }, caller)
        : null,
    byAttribute:
      by === undefined
        ? null
        : { name: by, sums: await readAttributeSums(db, documentId, line, by, caller) },
  };
}

/** Returns how operators exclude the events of a page: those that are excluded already wait for a rerun. Null for tenants. */
async function readExclusion(
  db: Queryable,
  { visitor, path }: Shown,
  { source }: LineUsage,
  events: readonly EventBehindLine[],
): Promise<ExclusionColumn | null> {
  if (visitor.scope === 'tenant') return null;
  const ids = events.map(({ event_id }) => event_id);
  return { source, from: path, excludedIds: await findExcludedIds(db, source, ids) };
}
