import { z } from 'zod';
import type { ApiKey } from '../../db/access/api-keys.ts';
import {
  INVOICE_STATUSES,
  invoiceHeaderSchema,
  invoiceLineSchema,
  listInvoices,
  type InvoiceCursor,
  type InvoiceHeader,
} from '../../db/invoices/invoice-views.ts';
import { externalId } from '../../ingestion/fields.ts';
import { month, pageLimit } from '../http/request-fields.ts';
import { invoiceParams, requireInvoice } from './invoice-params.ts';
import { requireKnown } from './known.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { HttpProblem } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const readPage = pagedBy(
  z.strictObject({
    period_start: z.string().regex(/^[12]\d{3}-(?:0[1-9]|1[0-2])-01$/),
    invoice_id: z.uuid(),
  }),
  ({ period_start, invoice_id }: InvoiceHeader): InvoiceCursor => ({ period_start, invoice_id }),
);

/** Invoices, the newest period first. */
export const getInvoices = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices',
    operationId: 'getInvoices',
    tag: 'Invoices',
    summary: 'List invoices, the newest period first',
    description: "A tenant's key sees that tenant's own.",
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      status: z
        .enum(INVOICE_STATUSES)
        .optional()
        .describe('Without it: every invoice that is not superseded.'),
      include_superseded: z
        .enum(['true', 'false'])
        .optional()
        .describe('Superseded revisions too.'),
      period: month.optional(),
      limit: pageLimit(200, 50),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of invoices',
        schema: z.object({
          invoices: z.array(invoiceHeaderSchema),
          next_cursor: nextCursor,
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query, caller }, { db }) => {
    if (caller.tenantId === null) await requireKnown(db, 'tenant', query.tenant_id);
    const filter = {
      tenantId: visibleTenant(caller, query.tenant_id),
      status: query.status,
      includeSuperseded: query.include_superseded === 'true',
      periodStart: query.period && `${query.period}-01`,
    };
    const reader = caller.tenantId === null ? 'operator' : 'tenant';
    const { entries, next_cursor } = await readPage(query, (page) =>
      listInvoices(db, filter, page, reader),
    );
    return reply(200, {
      invoices: entries,
      next_cursor,
    });
  },
);

/** An invoice, with its lines. */
export const getInvoice = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices/{invoice_id}',
    operationId: 'getInvoice',
    tag: 'Invoices',
    summary: 'Read an invoice with its lines',
    description: 'Superseded revisions too; replaces_invoice_id and superseded_by link them.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: invoiceParams,
    responses: {
      200: {
        description: 'The invoice',
        schema: invoiceHeaderSchema.extend({ lines: z.array(invoiceLineSchema) }),
      },
    },
    problems: ['not-found'],
  },
  async ({ params, caller }, { db }) => {
    return reply(200, await requireInvoice(db, params.invoice_id, caller));
  },
);

/** @throws HttpProblem `not-found` where a tenant asks for another one's */
function visibleTenant(caller: ApiKey, askedFor: string | undefined): string | undefined {
  if (caller.tenantId === null) return askedFor;
  if (askedFor === undefined || askedFor === caller.tenantId) return caller.tenantId;
  throw new HttpProblem('not-found', `there is no tenant ${askedFor}`);
}
