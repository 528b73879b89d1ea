import { z } from 'zod';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { listEventsBehind, type EventBehindLine } from '../../db/usage/provenance.ts';
import { ATTRIBUTE_NAME } from '../../ingestion/attributes.ts';
import { pagedBy } from '../http/paging.ts';
import { HttpProblem } from '../http/problems.ts';
import { lineParams, requireInvoiceHeader } from '../routes/invoice-params.ts';
import { readAttributeSums, readLineSummary } from '../routes/line-usage-routes.ts';
import { noteLineParams, requireNoteHeader } from '../routes/note-params.ts';
import { nextHref, page, pageQuery, pagesOfBoth } from './page-definition.ts';
import { lineUsagePage } from './views/line-usage-html.ts';
import { rootOf, type Visitor } from './views/layout.ts';

const EVENTS_A_PAGE = 100;
const readEvents = pagedBy(z.string(), ({ event_id }: EventBehindLine) => event_id);

const query = z.object({
  ...pageQuery,
  by: z
    .string()
    .regex(ATTRIBUTE_NAME, { error: 'expected the name of an attribute, such as team' })
    .optional(),
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
  const { by } = shown.query;
  const byAttribute = by
    ? { name: by, sums: await readAttributeSums(db, documentId, line, by, caller) }
    : null;
  const { entries, next_cursor } = await readEvents(
    { limit: EVENTS_A_PAGE, cursor: shown.query.cursor },
    (asked) => listEventsBehind(db, documentId, lineNo, asked),
  );
  return page(
    lineUsagePage({
      visitor,
      document,
      line,
      events: entries,
      nextHref: nextHref(path, next_cursor),
      byAttribute,
    }),
  );
}
