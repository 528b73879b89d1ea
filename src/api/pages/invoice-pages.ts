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
import { doneQuery } from './views/done-note.ts';
import { invoicePage } from './views/invoice-html.ts';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import {
  invoiceParams,
  readerOf,
  readReplacedTax,
  requireInvoice,
} from '../routes/invoice-params.ts';
import { noteParams, requireNote } from '../routes/note-params.ts';
import { notePage } from './views/note-html.ts';
import { getLineUsageCsv, getNoteLineUsageCsv } from '../routes/line-usage-routes.ts';
import { pagedBy } from '../http/paging.ts';
import { readShownComparison } from './kept-comparison.ts';
import {
  nextHref,
  operatorPage,
  page,
  pageQuery,
  pagesOfBoth,
  type PageRoute,
} from './page-definition.ts';
import { INVOICE_STATUSES, type InvoiceHeader } from '../../db/invoices/invoice-views.ts';
import type { Seller } from '../../db/catalogue/seller-details.ts';
import { readDocumentHeader } from '../../db/invoices/invoice-documents.ts';
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
export const oneInvoice = pagesOfBoth(
  { path: '/invoices/:invoice_id', params: invoiceParams, query: z.object(doneQuery) },
  async ({ params, query, visitor, caller }, { db, temporalLinks = null }) => {
    const invoice = await requireInvoice(db, params.invoice_id, caller);
    const { invoice_id, tenant_id, number } = invoice;
    const reader = readerOf(caller);
    return page(
      invoicePage({
        visitor,
        invoice,
        tenantName: await readTenantName(db, tenant_id, caller),
        revisions: await listRevisions(db, invoice, reader),
        changes: await readDifference(db, invoice_id),
        compared: await readShownComparison(db, invoice),
        replacedTax: await readReplacedTax(db, invoice, caller),
        payments: await listPayments(
          db,
          { tenantId: tenant_id, invoiceNumber: number },
          { after: null, limit: PAYMENTS_SHOWN },
          reader,
        ),
        seller: await readPayee(db, invoice, caller),
        temporal: temporalLinks,
        done: query.done,
      }),
    );
  },
);

/** Shows an adjustment note. */
export const oneNote = pagesOfBoth(
  { path: '/adjustment-notes/:adjustment_note_id', params: noteParams },
  async ({ params, visitor, caller }, { db, temporalLinks = null }) => {
    const note = await requireNote(db, params.adjustment_note_id, caller);
    const tenantName = await readTenantName(db, note.tenant_id, caller);
    return page(notePage({ visitor, note, tenantName, temporal: temporalLinks }));
  },
);

/** Returns the tenant's name for an operator's page; null for a tenant, who isn't told. */
async function readTenantName(
  db: Queryable,
  tenantId: string,
  caller: ApiKey,
): Promise<string | null> {
  if (caller.tenantId !== null) return null;
  return (await showTenant(db, tenantId))?.name ?? tenantId;
}

/** Returns the seller that an open invoice is paid to, as its documents name it, for the tenant's own page. */
async function readPayee(
  db: Queryable,
  { invoice_id, balance_cents }: InvoiceHeader,
  { tenantId }: ApiKey,
): Promise<Seller | null> {
  if (tenantId === null || balance_cents === null || balance_cents <= 0) return null;
  return (await readDocumentHeader(db, 'invoice', invoice_id, tenantId))?.seller ?? null;
}

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
 * Files of the API that pages link to, by their path under `/operator` and `/tenant`. They need paths of their own,
 * because a link sends a session cookie instead of an API key.
 */
const DOCUMENTS: Readonly<Record<string, Route>> = {
  '/invoices/:invoice_id.html': getInvoiceHtml,
  '/invoices/:invoice_id.pdf': getInvoicePdf,
  '/invoices/:invoice_id.csv': getInvoiceCsv,
  '/invoices/:invoice_id/lines/:line_no/usage.csv': getLineUsageCsv,
  '/adjustment-notes/:adjustment_note_id.html': getAdjustmentNoteHtml,
  '/adjustment-notes/:adjustment_note_id.pdf': getAdjustmentNotePdf,
  '/adjustment-notes/:adjustment_note_id.csv': getAdjustmentNoteCsv,
  '/adjustment-notes/:adjustment_note_id/lines/:line_no/usage.csv': getNoteLineUsageCsv,
};

export const documents: readonly PageRoute[] = Object.entries(DOCUMENTS).flatMap(([path, route]) =>
  pagesOfBoth(
    { path, params: z.unknown(), query: z.unknown() },
    ({ caller, requestId, params, query }, deps) =>
      route.handle({ params, query, body: undefined, caller, requestId }, deps),
  ),
);
