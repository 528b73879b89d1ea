import { z } from 'zod';
import { reasonSchema } from '../../contracts/request-payload.ts';
import { changeInvoiceStatus, type FinalStatus } from '../../db/invoices/invoice-status.ts';
import { invoiceHeaderSchema, showInvoice } from '../../db/invoices/invoice-views.ts';
import { invoiceParams, notAnInvoice } from './invoice-params.ts';
import { HttpProblem } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const DESCRIPTION =
  'For good: such an invoice is never rebuilt, and keeps its place and its usage. Asking again ' +
  'changes nothing. A superseded invoice can become neither: its successor is the one that stands.';

/** An invoice was paid. */
export const payInvoice = defineStatusRoute({
  status: 'paid',
  verb: 'pay',
  summary: 'Mark an invoice as paid',
  body: z.strictObject({
    reason: reasonSchema.optional().describe('The reference of the payment, for instance.'),
  }),
});

/** An invoice is not to be paid. */
export const voidInvoice = defineStatusRoute({
  status: 'void',
  verb: 'void',
  summary: 'Void an invoice',
  body: z.strictObject({ reason: reasonSchema.describe('Why; it stays with the invoice.') }),
});

function defineStatusRoute({
  status,
  verb,
  summary,
  body,
}: {
  readonly status: FinalStatus;
  readonly verb: string;
  readonly summary: string;
  readonly body: z.ZodType<{ reason?: string | undefined }>;
}) {
  return defineRoute(
    {
      method: 'post',
      path: `/api/v1/invoices/{invoice_id}/${verb}`,
      operationId: `${verb}Invoice`,
      tag: 'Invoices',
      summary,
      description: DESCRIPTION,
      scopes: ['operator'],
      rateLimited: true,
      params: invoiceParams,
      body,
      responses: {
        200: { description: 'The invoice as it is now', schema: invoiceHeaderSchema },
      },
      problems: ['not-found', 'status-conflict'],
    },
    async ({ params, body: sent, caller }, { db }) => {
      const invoiceId = params.invoice_id;
      if (!z.uuid().safeParse(invoiceId).success) throw notAnInvoice();
      const result = await changeInvoiceStatus(db, {
        invoiceId,
        status,
        actor: `key:${caller.label}`,
        reason: sent.reason ?? null,
      });
      if (result.outcome === 'refused') throw new HttpProblem('status-conflict', result.reason);
      const invoice = result.outcome === 'unknown' ? null : await showInvoice(db, invoiceId);
      if (invoice === null) throw notAnInvoice();
      return reply(200, invoice);
    },
  );
}
