import { z } from 'zod';
import type { Route } from '../http/route-definition.ts';
import { getInvoiceCsv, getInvoiceHtml, getInvoicePdf } from '../routes/invoice-documents.ts';
import { getLineUsageCsv } from '../routes/line-usage.ts';
import { operatorPage, type PageRoute } from './page-definition.ts';

/**
 * Files that the API makes for a key, made for a session too: a link in a page carries a cookie and no
 * key. The one list of them, by the path under `/operator`.
 */
const DOCUMENTS: Readonly<Record<string, Route>> = {
  '/operator/invoices/:invoice_id.html': getInvoiceHtml,
  '/operator/invoices/:invoice_id.pdf': getInvoicePdf,
  '/operator/invoices/:invoice_id.csv': getInvoiceCsv,
  '/operator/invoices/:invoice_id/lines/:line_no/usage.csv': getLineUsageCsv,
};

export const documents: readonly PageRoute[] = Object.entries(DOCUMENTS).map(([path, route]) =>
  operatorPage({ path, params: z.unknown() }, ({ caller, requestId, params }, deps) =>
    route.handle({ params, query: {}, body: undefined, caller, requestId }, deps),
  ),
);
