import { z } from 'zod';
import { BOOKED_KINDS, type XeroSettings } from '../domain/xero-accounts.ts';
import { externalId, text } from '../ingestion/usage-fields.ts';

/** A code of Xero's chart of accounts: at most ten characters. */
const accountCode = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9./-]{0,9}$/, { error: 'expected an account code, such as "200"' });
/** The display name of a tax rate, as Xero shows it. */
const taxType = text(50);

/** How exports map lines to Xero: for each kind of line an account, and the tax rate by tax treatment. */
export const xeroSettings: z.ZodType<XeroSettings> = z.strictObject({
  line_kinds: z.partialRecord(
    z.enum(BOOKED_KINDS),
    z.strictObject({
      account_code: accountCode,
      tax_types: z.record(externalId, taxType),
      untaxed_tax_type: taxType.nullable().default(null),
    }),
  ),
  rounding: z
    .strictObject({ account_code: accountCode, tax_type: taxType })
    .nullable()
    .default(null),
});
