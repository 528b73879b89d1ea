import { z } from 'zod';
import type { ApiKey } from '../../db/api-keys.ts';
import {
  INVOICE_STATUSES,
  invoiceHeaderSchema,
  invoiceLineSchema,
  listInvoices,
  type InvoiceHeader,
} from '../../db/invoice-views.ts';
import { externalId } from '../../ingestion/fields.ts';
import { encodeCursor, invoiceCursor } from '../cursor.ts';
import { month, pageLimit } from '../fields.ts';
import { invoiceParams, requireInvoice } from '../invoice-params.ts';
import { HttpProblem } from '../problems.ts';
import { defineRoute, reply } from '../route.ts';

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
      cursor: invoiceCursor.optional().describe('next_cursor of the page before.'),
    }),
    responses: {
      200: {
        description: 'A page of invoices',
        schema: z.object({
          invoices: z.array(invoiceHeaderSchema),
          next_cursor: z.string().nullable().describe('Null on the last page.'),
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query, caller }, { db }) => {
    // One more than asked for tells whether there is a next page.
    const found = await listInvoices(
      db,
      {
        tenantId: visibleTenant(caller, query.tenant_id),
        status: query.status,
        includeSuperseded: query.include_superseded === 'true',
        periodStart: query.period && `${query.period}-01`,
      },
      {
        after: query.cursor ?? null,
        limit: query.limit + 1,
      },
    );
    const page = found.slice(0, query.limit);
    const last = found.length > page.length ? page.at(-1) : undefined;
    return reply(200, {
      invoices: page.map((invoice) => forCaller(caller, invoice)),
      next_cursor: last ? encodeCursor(last) : null,
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
    const invoice = await requireInvoice(db, params.invoice_id, caller);
    return reply(200, { ...forCaller(caller, invoice), lines: invoice.lines });
  },
);

/** @throws HttpProblem `not-found` where a tenant asks for another one's */
function visibleTenant(caller: ApiKey, askedFor: string | undefined): string | undefined {
  if (caller.tenantId === null) return askedFor;
  if (askedFor === undefined || askedFor === caller.tenantId) return caller.tenantId;
  throw new HttpProblem('not-found', `there is no tenant ${askedFor}`);
}

/** Who asked for a re-run or marked an invoice, and why, is between operators. */
function forCaller(caller: ApiKey, invoice: InvoiceHeader): InvoiceHeader {
  return caller.scope === 'operator' ? invoice : { ...invoice, re_run: null, status_change: null };
}
