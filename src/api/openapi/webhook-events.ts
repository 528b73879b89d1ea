import { z } from 'zod';
import type { WebhookEventType } from '../../contracts/webhook-types.ts';
import { month } from '../http/request-fields.ts';

/** What receivers get, for the document: `src/db/webhooks/webhook-outbox.ts` makes it. */

const count = z.int().nonnegative();
const link = (what: string) => z.string().describe(`${what}, on this API.`);
const EXAMPLE_LINK = '/api/v1/roll-ups/2026-05';

const invoice = z.strictObject({
  invoice_id: z.uuid(),
  number: z.string(),
  tenant_id: z.string(),
  period_start: z.iso.date(),
  period_end: z.iso.date().describe('Inclusive.'),
  revision: z.int().positive(),
  currency: z.string(),
  subtotal_cents: z.int(),
  tax_cents: z.int(),
  total_cents: z.int(),
  links: z.strictObject({
    invoice: link('The whole invoice').meta({
      example: '/api/v1/invoices/3f2504e0-4f89-41d3-9a0c-0305e82c3301',
    }),
  }),
});
const monthLinks = z.strictObject({
  month_end: link('How the month stands').meta({ example: EXAMPLE_LINK }),
});

/** The `data` of each type of event, and what it tells. */
export const WEBHOOK_EVENTS = {
  'invoice.issued': {
    summary: 'An invoice was issued',
    description: 'The first one of a month, or a revision, which then names what it replaces.',
    data: invoice.extend({ replaces_invoice_id: z.uuid().nullable() }),
  },
  'invoice.superseded': {
    summary: 'An invoice was superseded',
    description: 'It no longer counts; the revision in its place has its own invoice.issued.',
    data: invoice.extend({ superseded_by: z.uuid() }),
  },
  'run.finished': {
    summary: 'A run of the month end has finished',
    description: 'Every due tenant was looked at: how each stands now, by its latest outcome.',
    data: z.strictObject({
      month,
      balanced: z.boolean().describe('Whether the books add up.'),
      tenants: z.strictObject({
        due: count,
        rolled: count,
        skipped: count,
        unchanged: count,
        parked: count,
      }),
      requests: count.describe('How many requests the run has served.'),
      request_ids: z.array(z.string()).describe('The first ten of them.'),
      links: monthLinks,
    }),
  },
  'tenant.parked': {
    summary: 'A tenant was parked',
    description:
      'No invoice, or no new revision, was made for it. Told once for a reason: a run that parks ' +
      'it again for the same one tells nothing new.',
    data: z.strictObject({
      tenant_id: z.string(),
      month,
      reason_type: z.string(),
      reason: z.string(),
      links: monthLinks,
    }),
  },
} as const satisfies Record<
  WebhookEventType,
  { readonly summary: string; readonly description: string; readonly data: z.ZodObject }
>;

/** A request's body: the same at every attempt. */
export function webhookBody(type: WebhookEventType) {
  return z.strictObject({
    type: z.literal(type),
    timestamp: z.iso.datetime().describe('When it happened.'),
    data: WEBHOOK_EVENTS[type].data,
  });
}
