import { z } from 'zod';
import { readDifference } from '../../db/invoices/invoice-difference.ts';
import { listRevisions } from '../../db/invoices/month-invoices.ts';
import { listEventsBehind, type EventBehindLine } from '../../db/usage/provenance.ts';
import { showTenant } from '../../db/catalogue/tenant-views.ts';
import { invoicePage } from './views/invoice.ts';
import { lineUsagePage } from './views/line-usage.ts';
import {
  invoiceParams,
  lineParams,
  requireInvoice,
  requireInvoiceHeader,
} from '../routes/invoice-params.ts';
import { readLineSummary } from '../routes/line-summaries.ts';
import { pagedBy } from '../http/paging.ts';
import { HttpProblem } from '../http/problems.ts';
import { nextHref, pageQuery } from './page-links.ts';
import { operatorPage, page } from './page-definition.ts';

const EVENTS_A_PAGE = 100;
const readEvents = pagedBy(z.string(), ({ event_id }: EventBehindLine) => event_id);

/** One invoice. */
export const oneInvoice = operatorPage(
  { path: '/operator/invoices/:invoice_id', params: invoiceParams },
  async ({ params, visitor, caller }, { db, temporalLinks = null }) => {
    const invoice = await requireInvoice(db, params.invoice_id, caller);
    const tenant = await showTenant(db, invoice.tenant_id);
    return page(
      invoicePage({
        visitor,
        invoice,
        tenantName: tenant?.name ?? invoice.tenant_id,
        revisions: await listRevisions(db, invoice),
        changes: await readDifference(db, invoice.invoice_id),
        temporal: temporalLinks,
      }),
    );
  },
);

/** The usage behind a line of it. */
export const lineUsage = operatorPage(
  {
    path: '/operator/invoices/:invoice_id/lines/:line_no',
    params: lineParams,
    query: z.object(pageQuery),
  },
  async ({ params, query, visitor, caller, path }, { db }) => {
    const { invoice_id } = await requireInvoiceHeader(db, params.invoice_id, caller);
    const line = await readLineSummary(db, invoice_id, params.line_no, caller);
    if (line === null) {
      throw new HttpProblem('not-found', 'there is no such line, or no usage can be behind it');
    }
    const { entries, next_cursor } = await readEvents(
      { limit: EVENTS_A_PAGE, cursor: query.cursor },
      (asked) => listEventsBehind(db, invoice_id, line.line_no, asked),
    );
    return page(
      lineUsagePage({ visitor, line, events: entries, nextHref: nextHref(path, next_cursor) }),
    );
  },
);
