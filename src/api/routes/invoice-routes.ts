import { z } from 'zod';
import {
  INVOICE_STATUSES,
  invoiceHeaderSchema,
  invoiceLineSchema,
  listInvoices,
  noteLinkSchema,
  type InvoiceCursor,
  type InvoiceHeader,
} from '../../db/invoices/invoice-views.ts';
import { PAYMENT_STATUSES } from '../../db/invoices/balances.ts';
import { monthStart } from '../../domain/period.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { month, pageLimit } from '../http/request-fields.ts';
import {
  invoiceParams,
  readerOf,
  requireInvoice,
  requireInvoiceHeader,
  readReplacedTax,
  knownTenant,
} from './invoice-params.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import {
  compositionSchema,
  readCompositions,
  toCompositionView,
} from '../../db/invoices/compositions.ts';
import { taxViewSchema } from '../../db/tax/invoice-tax.ts';
import { lineChangeSchema, readDifference } from '../../db/invoices/invoice-difference.ts';

/** Pages through invoices, newest month first. */
export const pageOfInvoices = pagedBy(
  z.strictObject({
    period_start: z.string().regex(/^[12]\d{3}-(?:0[1-9]|1[0-2])-01$/),
    invoice_id: z.uuid(),
  }),
  ({ period_start, invoice_id }: InvoiceHeader): InvoiceCursor => ({ period_start, invoice_id }),
);

/** Lists invoices, newest month first. */
export const getInvoices = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices',
    operationId: 'getInvoices',
    tag: 'Invoices',
    summary: 'List invoices, newest month first',
    description: 'A tenant key sees only invoices of its own tenant.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      status: z
        .enum(INVOICE_STATUSES)
        .optional()
        .describe('By default all invoices that are not superseded.'),
      include_superseded: z
        .enum(['true', 'false'])
        .optional()
        .describe('true: includes superseded revisions.'),
      payment_status: z
        .enum(PAYMENT_STATUSES)
        .optional()
        .describe('Only issued invoices that are unpaid, partly paid or paid.'),
      open: z
        .enum(['true', 'false'])
        .optional()
        .describe('true: only invoices with a balance above 0.'),
      overdue: z
        .enum(['true', 'false'])
        .optional()
        .describe('true: only invoices past their due date with a balance above 0.'),
      month: month.optional(),
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
    const filter = {
      tenantId: await knownTenant(db, caller, query.tenant_id),
      status: query.status,
      includeSuperseded: query.include_superseded === 'true',
      paymentStatus: query.payment_status,
      open: query.open && query.open === 'true',
      overdue: query.overdue && query.overdue === 'true',
      periodStart: query.month && monthStart(query.month),
    };
    const { entries, next_cursor } = await pageOfInvoices(query, (page) =>
      listInvoices(db, filter, page, readerOf(caller)),
    );
    return reply(200, {
      invoices: entries,
      next_cursor,
    });
  },
);

/** Reads an invoice with its lines. */
export const getInvoice = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices/{invoice_id}',
    operationId: 'getInvoice',
    tag: 'Invoices',
    summary: 'Read an invoice with its lines',
    description:
      'Also reads superseded revisions; replaces_invoice_id and superseded_by link them.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: invoiceParams,
    responses: {
      200: {
        description: 'The invoice',
        schema: invoiceHeaderSchema.extend({
          adjustment_notes: z
            .array(noteLinkSchema)
            .describe('The notes that adjust it, in their order.'),
          lines: z.array(invoiceLineSchema),
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ params, caller }, { db }) => {
    return reply(200, await requireInvoice(db, params.invoice_id, caller));
  },
);

/** Compares a revision with the invoice it replaced. */
export const getInvoiceDifference = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices/{invoice_id}/difference',
    operationId: 'getInvoiceDifference',
    tag: 'Invoices',
    summary: 'Compare a revision with the invoice it replaced, line by line',
    description: 'The difference is stored with the revision. It omits unchanged lines.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: invoiceParams,
    responses: {
      200: {
        description: 'The difference',
        schema: z.object({
          invoice_id: z.uuid(),
          number: z.string(),
          replaces_invoice_id: z.uuid().nullable().describe('Null for a first invoice.'),
          tax: taxViewSchema,
          replaced_tax: taxViewSchema
            .nullable()
            .describe('How the replaced invoice was taxed, which can be the only difference.'),
          changes: z.array(lineChangeSchema),
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ params, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    const { invoice_id, number, replaces_invoice_id } = invoice;
    return reply(200, {
      ...{ invoice_id, number, replaces_invoice_id, tax: invoice.tax },
      replaced_tax: await readReplacedTax(db, invoice, caller),
      changes: await readDifference(db, invoice_id),
    });
  },
);

/** Shows the subscriptions and days behind an invoice's lines. */
export const getInvoiceComposition = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices/{invoice_id}/composition',
    operationId: 'getInvoiceComposition',
    tag: 'Invoices',
    summary: 'Read what an invoice was composed from',
    description:
      'The subscriptions of the month with their billed days and addons, as they were when the invoice was ' +
      'issued. With the usage behind its lines, they determine every line.',
    scopes: ['operator'],
    rateLimited: true,
    params: invoiceParams,
    responses: {
      200: {
        description: 'The composition',
        schema: z.object({
          invoice_id: z.uuid(),
          number: z.string(),
          deployments: compositionSchema,
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ params, caller }, { db }) => {
    const { invoice_id, number } = await requireInvoiceHeader(db, params.invoice_id, caller);
    const found = (await readCompositions(db, [invoice_id])).get(invoice_id) ?? [];
    return reply(200, { invoice_id, number, deployments: toCompositionView(found) });
  },
);
