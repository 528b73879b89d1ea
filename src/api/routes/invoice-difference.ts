import { z } from 'zod';
import { lineChangeSchema, readDifference } from '../../db/invoices/invoice-difference.ts';
import { invoiceParams, requireInvoiceHeader } from './invoice-params.ts';
import { defineRoute, reply } from '../http/define-route.ts';

/** How a revision differs from what it replaced. */
export const getInvoiceDifference = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices/{invoice_id}/difference',
    operationId: 'getInvoiceDifference',
    tag: 'Invoices',
    summary: 'Compare a revision with the invoice that it replaced, line by line',
    description: 'As it was stored with the revision. Lines that say the same are left out.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: invoiceParams,
    responses: {
      200: {
        description: 'The difference',
        schema: z.object({
          invoice_id: z.uuid(),
          number: z.string(),
          replaces_invoice_id: z.uuid().nullable().describe('Null: a first invoice.'),
          changes: z.array(lineChangeSchema),
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ params, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    const { invoice_id, number, replaces_invoice_id } = invoice;
    const changes = await readDifference(db, invoice_id);
    return reply(200, { invoice_id, number, replaces_invoice_id, changes });
  },
);
