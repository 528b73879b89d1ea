import { z } from 'zod';
import { reasonSchema, requestIdSchema } from '../../contracts/request-payload.ts';
import { creditLine } from '../../db/invoices/credit.ts';
import { noteHeaderSchema, noteLineSchema, showNote } from '../../db/invoices/note-views.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { HttpProblem } from '../http/problems.ts';
import { invoiceParams, notAnInvoice } from './invoice-params.ts';

const noteSchema = noteHeaderSchema.extend({ lines: z.array(noteLineSchema) });

/** Credits an amount on a line. */
export const postInvoiceCredit = defineRoute(
  {
    method: 'post',
    path: '/api/v1/invoices/{invoice_id}/credits',
    operationId: 'postInvoiceCredit',
    tag: 'Adjustment notes',
    summary: 'Credit an amount on a line of an invoice',
    description:
      'Issues an adjustment note, which settles the invoice. invoice_id can also be the id of an adjustment note ' +
      'whose line is credited. A credit is at most what is left of the line, after reruns and earlier credits. ' +
      "The note also credits the tax on it. It can't be undone.",
    scopes: ['operator'],
    rateLimited: true,
    params: invoiceParams,
    body: z.strictObject({
      request_id: requestIdSchema.describe('Idempotency key: repeating it gives no second credit.'),
      line_no: z.int().min(1).max(999_999_999),
      amount_cents: z
        .int()
        .min(1)
        .describe('The amount before tax, in the minor unit of the currency.'),
      reason: reasonSchema.describe('Printed on the adjustment note.'),
    }),
    responses: {
      200: { description: 'The credit was already given', schema: noteSchema },
      201: { description: 'The adjustment note that gives the credit', schema: noteSchema },
    },
    problems: ['not-found', 'request-conflict', 'credit-conflict'],
  },
  async ({ params, body, caller }, { db }) => {
    const { invoice_id: documentId } = params;
    if (!z.uuid().safeParse(documentId).success) throw notAnInvoice();
    const result = await creditLine(db, {
      documentId,
      lineNo: body.line_no,
      amountCents: body.amount_cents,
      reason: body.reason,
      requestId: body.request_id,
      actor: `key:${caller.label}`,
    });
    switch (result.outcome) {
      case 'unknown':
        throw new HttpProblem('not-found', result.reason);
      case 'refused':
        throw new HttpProblem('credit-conflict', result.reason);
      case 'conflict':
        throw new HttpProblem(
          'request-conflict',
          `request_id ${body.request_id} was already used with different content`,
        );
      case 'credited': {
        const note = await showNote(db, result.noteId);
        if (note === null) throw new Error(`adjustment note ${result.noteId} can't be read back`);
        return reply(result.isNew ? 201 : 200, note);
      }
    }
  },
);
