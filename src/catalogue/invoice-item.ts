import { z } from 'zod';
import { trimmedText } from '../contracts/text.ts';
import { month } from '../ingestion/calendar-fields.ts';
import { currencyCode, externalId } from '../ingestion/usage-fields.ts';

const CENTS_HINT = 'expected a whole number of minor units within ±(2^53 − 1), but not 0';

/** An invoice item as it is sent, in files and in the API (docs/spec.md#invoice-items). */
export const invoiceItemSchema = z
  .strictObject({
    item_id: externalId
      .describe('Identifies the item forever: sending it again changes nothing.')
      .meta({ example: 'onboarding-acme' }),
    tenant_id: externalId,
    month: month.describe('The first month whose invoice can take it.'),
    description: trimmedText(200)
      .describe('The text of the line, as the tenant reads it.')
      .meta({ example: 'Onboarding workshop' }),
    amount_cents: z
      .int({ error: CENTS_HINT })
      .refine((cents) => cents !== 0, { error: CENTS_HINT })
      .describe("In the minor unit of the tenant's currency, before tax. A credit is negative.")
      .meta({ example: 25_000 }),
    taxable: z.boolean().default(true).describe('Whether tax is computed on it.'),
    currency: currencyCode.optional().describe("By default the tenant's; another one is refused."),
  })
  .meta({ id: 'InvoiceItem' });

export type SentItem = z.infer<typeof invoiceItemSchema>;
