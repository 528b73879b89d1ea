import { z } from 'zod';
import { INVOICE_STATUSES } from '../../db/invoices/invoice-views.ts';
import {
  INVOICE_ORDERS,
  OUTCOMES,
  listMonthInvoices,
  type MonthInvoice,
  type MonthInvoiceKey,
} from '../../db/invoices/month-invoices.ts';
import { text } from '../../ingestion/fields.ts';
import { invoicesPage } from './views/invoices.ts';
import { pagedBy } from '../http/paging.ts';
import { monthParams } from './month.ts';
import { nextHref, pageQuery } from './page-links.ts';
import { operatorPage, page } from './page-definition.ts';

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

/** A month's invoices. */
export const monthInvoices = operatorPage(
  {
    path: '/operator/months/:month/invoices',
    params: monthParams,
    query: z.object({
      ...pageQuery,
      search: text(100).optional(),
      status: z.enum(INVOICE_STATUSES).optional(),
      outcome: z.enum(OUTCOMES).optional(),
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
