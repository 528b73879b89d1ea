import { z } from 'zod';
import { MAX_BATCH, countByStatus } from '../../contracts/batch.ts';
import { PAYMENT_STATUSES } from '../../db/invoices/balances.ts';
import {
  listPayments,
  paymentSchema,
  type PaymentKey,
  type PaymentView,
} from '../../db/invoices/payment-views.ts';
import { recordPayments, type PaymentResult } from '../../db/invoices/payments.ts';
import type { Database } from '../../db/pool.ts';
import { monthStart } from '../../domain/period.ts';
import { reasonOf, toFieldErrors } from '../../ingestion/field-errors.ts';
import { paymentFields, toNewPayment, type SentPayment } from '../../catalogue/payment-fields.ts';
import { externalId, visibleId } from '../../ingestion/usage-fields.ts';
import { explainIssue } from '../../lib/explain-issue.ts';
import { isStorable } from '../../lib/visible-text.ts';
import { anyObject, readBatch, recordedBatch } from '../http/batch.ts';
import { MAX_BULK_BYTES } from '../http/body-limits.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { date, month, pageLimit } from '../http/request-fields.ts';
import { knownTenant, readerOf } from './invoice-params.ts';
import { readId } from './usage-results.ts';

/** The invoice that a payment counts for, after all payments of the request. */
const paidInvoice = {
  invoice_number: z.string().describe('The invoice that the payment counts for.'),
  currency: z.string(),
  payment_status: z.enum(PAYMENT_STATUSES),
  balance_cents: z.int().describe('What is still owed after this request. Negative: overpaid.'),
};

const oneResult = z.object({
  payment_id: z.string(),
  status: z.enum(['recorded', 'duplicate']),
  ...paidInvoice,
});

const batchResult = recordedBatch('payment', z.object(paidInvoice).partial().shape);
type BatchEntry = z.infer<typeof batchResult>['results'][number];

const EXAMPLE = {
  payment_id: 'bank-2026-06-12-4711',
  invoice_number: 'acme-000001',
  amount_cents: 5913,
  received_on: '2026-06-12',
  method: 'bank transfer',
};
const REVERSAL = {
  ...EXAMPLE,
  payment_id: 'bank-2026-06-15-0815',
  amount_cents: -5913,
  received_on: '2026-06-15',
  reference: 'returned by the bank',
};

/** Records payments for invoices. */
export const postPayments = defineRoute(
  {
    method: 'post',
    path: '/api/v1/payments',
    operationId: 'postPayments',
    tag: 'Payments',
    summary: 'Record payments for invoices',
    description:
      'One payment, or a batch of up to 1,000 with a result per payment, in order; a bad payment does not affect ' +
      'the others. The same payment_id with the same content is a `duplicate`, with other content a `conflict`, so ' +
      'retries are safe. Payments cannot be changed: record a reversal with a negative amount. An invoice can be ' +
      'paid in parts, and overpaid. From its first payment on it is settled: forcing its month issues an ' +
      'adjustment note, and it cannot be voided.',
    scopes: ['operator'],
    rateLimited: true,
    body: anyObject,
    maxBodyBytes: MAX_BULK_BYTES,
    maxEntries: null,
    documentedBody: z.union([
      paymentFields,
      z.strictObject({ payments: z.array(paymentFields).min(1).max(MAX_BATCH) }),
    ]),
    bodyExamples: {
      'One payment': EXAMPLE,
      'A batch': { payments: [EXAMPLE, REVERSAL] },
    },
    responses: {
      200: {
        description: 'One payment that was recorded before, or a batch with any results',
        schema: z.union([batchResult, oneResult]),
      },
      201: { description: 'One recorded payment', schema: oneResult },
    },
    problems: ['payment-conflict'],
  },
  async ({ body, caller }, { db }) => {
    const isBatch = Object.hasOwn(body, 'payments');
    const sent = isBatch ? readBatch(body, 'payments') : [body];
    const parsed = sent.map(parsePayment);
    const good = parsed.flatMap((one) => ('payment' in one ? one.payment : []));
    const recorded = await recordPayments(db, good.map(toNewPayment), {
      actor: `key:${caller.label}`,
    });
    let next = 0;
    const results = parsed.map((one, index): BatchEntry => {
      const result = 'payment' in one ? toEntry(recorded[next++]) : one;
      return { index, payment_id: readId(sent[index], 'payment_id'), ...result };
    });
    if (isBatch) return reply(200, { counts: countByStatus(results), results });
    return toSingleReply(results[0]);
  },
);

type Entry = Omit<BatchEntry, 'index' | 'payment_id'>;

function parsePayment(sent: unknown): { readonly payment: SentPayment } | Entry {
  const { success, data, error } = paymentFields.safeParse(sent, { error: explainIssue });
  if (success) return { payment: data };
  const errors = [...toFieldErrors(error.issues)];
  return { status: 'rejected', reason: reasonOf(errors), errors };
}

function toEntry(result: PaymentResult | undefined): Entry {
  switch (result?.status) {
    case 'recorded':
    case 'duplicate':
      return {
        status: result.status,
        invoice_number: result.invoiceNumber,
        currency: result.currency,
        payment_status: result.paymentStatus,
        balance_cents: result.balanceCents,
      };
    case 'conflict':
      return { status: result.status, reason: result.reason };
    case 'rejected': {
      const { status, field, reason } = result;
      return { status, reason, errors: [{ pointer: `/${field}`, detail: reason }] };
    }
    case undefined:
      throw new Error('the payment has no result');
  }
}

function toSingleReply(result: BatchEntry | undefined) {
  const { status, reason = '', errors = [] } = result ?? { status: 'rejected' as const };
  if (status === 'conflict') throw new HttpProblem('payment-conflict', reason);
  if (status === 'rejected') throw invalidRequest(errors);
  return reply(status === 'recorded' ? 201 : 200, oneResult.parse(result));
}

/**
 * Returns what recording a payment would do now. Records nothing.
 * @param body as `postPayments` takes it for one payment
 * @throws HttpProblem as `postPayments` would
 */
export async function planPayment(db: Database, body: object): Promise<z.infer<typeof oneResult>> {
  const parsed = parsePayment(body);
  if (!('payment' in parsed)) throw invalidRequest(parsed.errors ?? []);
  const payment = toNewPayment(parsed.payment);
  const [planned] = await recordPayments(db, [payment], { actor: '', dryRun: true });
  const entry = { index: 0, payment_id: readId(body, 'payment_id'), ...toEntry(planned) };
  return toSingleReply(entry).body;
}

/** Pages through payments, latest recorded first. */
export const pageOfPayments = pagedBy(
  z.strictObject({
    recorded_at: z.iso.datetime(),
    payment_id: z.string().max(200).refine(isStorable),
  }),
  ({ recorded_at, payment_id }: PaymentView): PaymentKey => ({ recorded_at, payment_id }),
);

/** Lists payments. */
export const getPayments = defineRoute(
  {
    method: 'get',
    path: '/api/v1/payments',
    operationId: 'getPayments',
    tag: 'Payments',
    summary: 'List payments, latest recorded first',
    description: 'A tenant key sees only payments of its own tenant.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      month: month.optional().describe('The month of the paid invoices.'),
      invoice_number: visibleId(100)
        .optional()
        .describe("All payments of this invoice's month, whichever revision they name."),
      received_from: date.optional().describe('Inclusive.'),
      received_to: date.optional().describe('Inclusive.'),
      limit: pageLimit(1000, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of payments',
        schema: z.object({ payments: z.array(paymentSchema), next_cursor: nextCursor }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query, caller }, { db }) => {
    const filter = {
      tenantId: await knownTenant(db, caller, query.tenant_id),
      periodStart: query.month && monthStart(query.month),
      invoiceNumber: query.invoice_number,
      receivedFrom: query.received_from,
      receivedTo: query.received_to,
    };
    const { entries, next_cursor } = await pageOfPayments(query, (page) =>
      listPayments(db, filter, page, readerOf(caller)),
    );
    return reply(200, { payments: entries, next_cursor });
  },
);
