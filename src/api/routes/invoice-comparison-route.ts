import { z } from 'zod';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { InvoiceHeader } from '../../db/invoices/invoice-views.ts';
import {
  comparisonSchema,
  comparisonToJson,
  readInvoiceComparison,
  whyNotComparable,
} from '../../db/invoices/month-comparison.ts';
import type { Queryable } from '../../db/pool.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { invalidRequest } from '../http/problems.ts';
import { invoiceParams, requireInvoiceHeader } from './invoice-params.ts';

/** Compares an invoice with the tenant's last one. */
export const getInvoiceComparison = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoices/{invoice_id}/comparison',
    operationId: 'getInvoiceComparison',
    tag: 'Invoices',
    summary: 'Compare an invoice with another month, line by line',
    description:
      "Says why an invoice is higher or lower than the tenant's last earlier one in the same currency that is neither " +
      'superseded nor void. Adjustment notes count on both sides.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: invoiceParams,
    query: z.strictObject({
      with: z
        .string()
        .optional()
        .meta({ format: 'uuid' })
        .describe('Another invoice of the tenant, in the same currency, to compare with.'),
    }),
    responses: { 200: { description: 'The comparison', schema: comparisonSchema } },
    problems: ['not-found'],
  },
  async ({ params, query, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    const other =
      query.with === undefined ? null : await requireComparable(db, invoice, query.with, caller);
    return reply(200, comparisonToJson(await readInvoiceComparison(db, invoice, other)));
  },
);

/** @throws HttpProblem `not-found`, `invalid-request` */
async function requireComparable(
  db: Queryable,
  invoice: InvoiceHeader,
  otherId: string,
  caller: ApiKey,
): Promise<InvoiceHeader> {
  const other = await requireInvoiceHeader(db, otherId, caller);
  const reason = whyNotComparable(invoice, other);
  if (reason !== null) throw invalidRequest([{ parameter: 'with', detail: reason }]);
  return other;
}
