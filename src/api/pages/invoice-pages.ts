import { z } from 'zod';
import { OUTCOMES } from '../../contracts/month-end-types.ts';
import { readDifference } from '../../db/invoices/invoice-difference.ts';
import {
  listRevisions,
  INVOICE_ORDERS,
  listMonthInvoices,
  type MonthInvoice,
  type MonthInvoiceKey,
} from '../../db/invoices/month-invoices.ts';
import { showTenant } from '../../db/catalogue/tenant-views.ts';
import { listPayments } from '../../db/invoices/payment-views.ts';
import { invoicePage } from './views/invoice-html.ts';
import { invoiceParams, requireInvoice, readReplacedTax } from '../routes/invoice-params.ts';
import { getLineUsageCsv, getNoteLineUsageCsv } from '../routes/line-usage-routes.ts';
import { pagedBy } from '../http/paging.ts';
import { nextHref, pageQuery, operatorPage, page, type PageRoute } from './page-definition.ts';
import { INVOICE_STATUSES } from '../../db/invoices/invoice-views.ts';
import { text } from '../../ingestion/usage-fields.ts';
import { invoicesPage } from './views/month-invoices-html.ts';
import { monthParams } from './month-pages.ts';
import type { Route } from '../http/route-definition.ts';
import {
  getAdjustmentNoteCsv,
  getAdjustmentNoteHtml,
  getAdjustmentNotePdf,
  getInvoiceCsv,
  getInvoiceHtml,
  getInvoicePdf,
} from '../routes/invoice-document-routes.ts';

/** Payments of one invoice; the API pages through more. */
const PAYMENTS_SHOWN = 100;

/** Shows an invoice. */
export const oneInvoice = operatorPage(
  { path: '/operator/invoices/:invoice_id', params: invoiceParams },
  async ({ params, visitor, caller }, { db, temporalLinks = null }) => {
    const invoice = await requireInvoice(db, params.invoice_id, caller);
    const { invoice_id, tenant_id, number } = invoice;
    const tenant = await showTenant(db, tenant_id);
    return page(
      invoicePage({
        visitor,
        invoice,
        tenantName: tenant?.name ?? tenant_id,
        revisions: await listRevisions(db, invoice),
        changes: await readDifference(db, invoice_id),
        replacedTax: await readReplacedTax(db, invoice, caller),
        payments: await listPayments(
          db,
          { invoiceNumber: number },
          { after: null, limit: PAYMENTS_SHOWN },
        ),
        temporal: temporalLinks,
      }),
    );
  },
);

const INVOICES_A_PAGE = 50;
const readPage = pagedBy(
  z.strictObject({
    change_cents: z.int(),
    tenant_id: z.string(),
    revision: z.int32(),
    invoice_id: z.uuid(),
  }),
  ({ change_cents, tenant_id, revision, invoice_id }: MonthInvoice): MonthInvoiceKey => ({
    change_cents,
    tenant_id,
    revision,
    invoice_id,
  }),
);

/** Lists the invoices of a month. */
export const monthInvoices = operatorPage(
  {
    path: '/operator/months/:month/invoices',
    params: monthParams,
    query: z.object({
      ...pageQuery,
      search: text(100).optional(),
      status: z.enum(INVOICE_STATUSES).optional(),
      outcome: z.enum(OUTCOMES).optional(),
      release: z.literal('waiting').optional(),
      order: z.enum(INVOICE_ORDERS).default('change'),
    }),
  },
  async ({ params, query, visitor, path }, { db }) => {
    const { cursor, ...filter } = query;
    const { entries, next_cursor } = await readPage({ limit: INVOICES_A_PAGE, cursor }, (asked) =>
      listMonthInvoices(db, params.month, filter, asked),
    );
    return page(
      invoicesPage({
        visitor,
        month: params.month,
        filter,
        invoices: entries,
        nextHref: nextHref(path, next_cursor),
      }),
    );
  },
);

/**
 * Files of the API that pages link to, by their path under `/operator`. They need paths of their own, because a
 * link sends a session cookie instead of an API key.
 */
const DOCUMENTS: Readonly<Record<string, Route>> = {
  '/operator/invoices/:invoice_id.html': getInvoiceHtml,
  '/operator/invoices/:invoice_id.pdf': getInvoicePdf,
  '/operator/invoices/:invoice_id.csv': getInvoiceCsv,
  '/operator/invoices/:invoice_id/lines/:line_no/usage.csv': getLineUsageCsv,
  '/operator/adjustment-notes/:adjustment_note_id.html': getAdjustmentNoteHtml,
  '/operator/adjustment-notes/:adjustment_note_id.pdf': getAdjustmentNotePdf,
  '/operator/adjustment-notes/:adjustment_note_id.csv': getAdjustmentNoteCsv,
  '/operator/adjustment-notes/:adjustment_note_id/lines/:line_no/usage.csv': getNoteLineUsageCsv,
};

export const documents: readonly PageRoute[] = Object.entries(DOCUMENTS).map(([path, route]) =>
  operatorPage(
    { path, params: z.unknown(), query: z.unknown() },
    ({ caller, requestId, params, query }, deps) =>
      route.handle({ params, query, body: undefined, caller, requestId }, deps),
  ),
);
