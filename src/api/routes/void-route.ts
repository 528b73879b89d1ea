import { z } from 'zod';
import { reasonSchema } from '../../contracts/request-payload.ts';
import { invoiceHeaderSchema, showInvoice } from '../../db/invoices/invoice-views.ts';
import { voidInvoice } from '../../db/invoices/void-invoice.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { HttpProblem } from '../http/problems.ts';
import { invoiceParams, notAnInvoice } from './invoice-params.ts';

/** Voids an invoice. */
export const postVoid = defineRoute(
  {
    method: 'post',
    path: '/api/v1/invoices/{invoice_id}/void',
    operationId: 'voidInvoice',
    tag: 'Invoices',
    summary: 'Void an invoice',
    description:
      'Final for this document. Ordinary runs then skip the month of the tenant. Its usage is pending as `voided` until ' +
      'a forced rerun issues the next revision. Repeating the call changes nothing. Refused for an invoice that has ' +
      'a payment or an adjustment note, and for one that was superseded.',
    scopes: ['operator'],
    rateLimited: true,
    params: invoiceParams,
    body: z.strictObject({ reason: reasonSchema.describe('Stored with the invoice.') }),
    responses: {
      200: { description: 'The void invoice', schema: invoiceHeaderSchema },
    },
    problems: ['not-found', 'invoice-settled', 'status-conflict'],
  },
  async ({ params, body, caller }, { db }) => {
    const invoiceId = params.invoice_id;
    if (!z.uuid().safeParse(invoiceId).success) throw notAnInvoice();
    const actor = `key:${caller.label}`;
    const result = await voidInvoice(db, { invoiceId, actor, reason: body.reason });
    if (result.outcome === 'settled') throw new HttpProblem('invoice-settled', result.reason);
    if (result.outcome === 'replaced') throw new HttpProblem('status-conflict', result.reason);
    const invoice = result.outcome === 'unknown' ? null : await showInvoice(db, invoiceId);
    if (invoice === null) throw notAnInvoice();
    return reply(200, invoice);
  },
);
