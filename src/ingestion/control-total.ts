import { z } from 'zod';
import { date } from './calendar-fields.ts';
import { currencyCode, decimalString, externalId } from './usage-fields.ts';

const statedFields = {
  tenant_id: externalId,
  requests: z
    .int()
    .nonnegative()
    .describe('How many requests the gateway made and sent as usage events.')
    .meta({ example: 1204 }),
  charge_cents: decimalString
    .describe('The exact sum of their charges.')
    .meta({ example: '51.170000000001' }),
  currency: currencyCode.optional().describe("By default the tenant's; another one is refused."),
};

/** A control total whose deployment and day are named elsewhere. */
export const statedDaySchema = z.strictObject(statedFields);

/** What a gateway states about a day of a deployment (docs/spec.md#control-totals). */
export const controlTotalFields = z
  .strictObject({
    ...statedFields,
    deployment_id: externalId,
    day: date.describe('In the billing time zone.'),
  })
  .meta({ id: 'StatedTotal' });

export type SentTotal = z.infer<typeof controlTotalFields>;
