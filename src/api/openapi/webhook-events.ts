import { z } from 'zod';
import type { WebhookEventType } from '../../contracts/webhook-types.ts';
import { taxViewSchema } from '../../db/tax/invoice-tax.ts';
import { month } from '../http/request-fields.ts';
import { EXAMPLE_NOTE_ID } from './field-examples.ts';

/** The bodies that endpoints receive, for the document. `src/db/webhooks/webhook-outbox.ts` makes them. */

const count = z.int().nonnegative();
const link = (what: string) => z.string().describe(`${what}, on this API.`);
const EXAMPLE_LINK = '/api/v1/roll-ups/2026-05';

const document = z.strictObject({
  number: z.string(),
  tenant_id: z.string(),
  period_start: z.iso.date(),
  period_end: z.iso.date().describe('Inclusive.'),
  revision: z.int().positive(),
  currency: z.string(),
  subtotal_cents: z.int(),
  taxable_cents: z.int().describe('The part of the subtotal that is taxed.'),
  tax_cents: z.int(),
  total_cents: z.int(),
  tax: taxViewSchema,
});
const invoiceLink = link('The whole invoice').meta({
  example: '/api/v1/invoices/3f2504e0-4f89-41d3-9a0c-0305e82c3301',
});
const invoice = z.strictObject({
  invoice_id: z.uuid(),
  ...document.shape,
  links: z.strictObject({ invoice: invoiceLink }),
});
const balance = {
  due_on: z.iso.date().nullable(),
  notes_cents: z.int().describe('The sum of its adjustment notes.'),
  paid_cents: z.int().describe('The sum of its payments, reversals deducted.'),
  balance_cents: z.int().describe('total_cents + notes_cents − paid_cents.'),
};
const monthLinks = z.strictObject({
  month_end: link('The status of the month').meta({ example: EXAMPLE_LINK }),
});

/** The `data` of each event type, with its description. */
export const WEBHOOK_EVENTS = {
  'adjustment_note.issued': {
    summary: 'An adjustment note was issued',
    description:
      'It corrects an invoice that is settled, which stays as it is. Amounts are the differences; revision is its ' +
      'number among the adjustment notes of the invoice.',
    data: z.strictObject({
      adjustment_note_id: z.uuid(),
      ...document.shape,
      adjusts_invoice_id: z.uuid(),
      origin: z
        .enum(['rerun', 'credit'])
        .describe('rerun: the month was rebuilt. credit: an operator credited an amount.'),
      links: z.strictObject({
        adjustment_note: link('The whole adjustment note').meta({
          example: `/api/v1/adjustment-notes/${EXAMPLE_NOTE_ID}`,
        }),
        invoice: invoiceLink,
      }),
    }),
  },
  'invoice.issued': {
    summary: 'An invoice was issued',
    description:
      'The first invoice of a tenant for a month, or a revision with the id of the invoice it replaces.',
    data: invoice.extend({ replaces_invoice_id: z.uuid().nullable() }),
  },
  'invoice.superseded': {
    summary: 'An invoice was superseded',
    description: 'The invoice no longer counts. Its replacement has its own invoice.issued event.',
    data: invoice.extend({ superseded_by: z.uuid() }),
  },
  'invoice.voided': {
    summary: 'An invoice was voided',
    description:
      'The invoice no longer counts. A forced rerun may issue a revision that replaces it, with an invoice.issued ' +
      'event of its own.',
    data: invoice.extend({ actor: z.string(), reason: z.string() }),
  },
  'invoice.released': {
    summary: 'An invoice was released to its tenant',
    description:
      'Only if the seller reviews invoices: an operator has released the tenant’s month. No event names a document of ' +
      'the month before that; invoice.issued of the live invoice comes with this event.',
    data: invoice.extend({ due_on: z.iso.date(), released_at: z.iso.datetime() }),
  },
  'review.waiting': {
    summary: 'A month waits for its review',
    description:
      'Invoices have been waiting for their release longer than REVIEW_REMINDER_DAYS. Sent once a day until they ' +
      'are released.',
    data: z.strictObject({
      month,
      invoices: count.describe('Invoices that wait for their release.'),
      since: z.iso.datetime().describe('When the first of them was issued.'),
      totals: z
        .array(z.strictObject({ currency: z.string(), invoices: count, total_cents: z.string() }))
        .describe('Totals of these invoices.'),
      links: monthLinks,
    }),
  },
  'invoice.paid': {
    summary: 'An invoice was paid in full',
    description:
      'A payment or an adjustment note took its balance from above 0 to 0 or below. After a reversal it can be ' +
      'sent again.',
    data: invoice.extend(balance),
  },
  'invoice.overdue': {
    summary: 'An invoice is overdue',
    description:
      'Its due date has passed and its balance is above 0. Sent once per invoice, by a daily run.',
    data: invoice.extend(balance),
  },
  'run.finished': {
    summary: 'A run of month end has finished',
    description: 'All due tenants were processed. The counts show their latest outcomes.',
    data: z.strictObject({
      month,
      balanced: z.boolean().describe('Whether the books balance.'),
      tenants: z.strictObject({
        due: count,
        rolled: count,
        adjusted: count,
        skipped: count,
        unchanged: count,
        nothing_to_bill: count,
        parked: count,
      }),
      requests: count.describe('Number of requests that the run finished.'),
      request_ids: z.array(z.string()).describe('Ids of the first ten requests.'),
      links: monthLinks,
    }),
  },
  'tenant.parked': {
    summary: 'A tenant was parked',
    description:
      'Month end could not issue an invoice or a new revision for it. Sent once per reason: parking the tenant ' +
      'again for the same reason sends no new event.',
    data: z.strictObject({
      tenant_id: z.string(),
      month,
      reason_type: z.string(),
      reason: z.string(),
      links: monthLinks,
    }),
  },
  'usage.threshold_reached': {
    summary: 'A spend threshold of a tenant was reached',
    description:
      'The running invoice of the month came to the threshold, before tax. Sent once per tenant, month and ' +
      'threshold, within minutes; later corrections of usage do not repeat or revoke it. A changed threshold ' +
      'counts as another one. Either amount_cents or percent_of_plan is null.',
    data: z.strictObject({
      tenant_id: z.string(),
      month,
      threshold_id: z.string().meta({ example: 'warning' }),
      amount_cents: z.int().nullable(),
      percent_of_plan: z.int().nullable().meta({ example: null }),
      currency: z.string(),
      threshold_cents: z.int().describe('The amount that the threshold comes to.'),
      reached_cents: z.int().describe('What the running invoice came to, before tax.'),
      links: z.strictObject({
        usage: link('The running month').meta({
          example: '/api/v1/usage/current?tenant_id=acme',
        }),
        thresholds: link('The thresholds of the tenant').meta({
          example: '/api/v1/usage-thresholds?tenant_id=acme',
        }),
      }),
    }),
  },
} as const satisfies Record<
  WebhookEventType,
  { readonly summary: string; readonly description: string; readonly data: z.ZodObject }
>;

/** Returns the schema of a request body, which is the same in every attempt. */
export function webhookBody(type: WebhookEventType) {
  return z.strictObject({
    type: z.literal(type),
    timestamp: z.iso.datetime().describe('When it happened.'),
    data: WEBHOOK_EVENTS[type].data,
  });
}
